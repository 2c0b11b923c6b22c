-- Version 5 of the algorithm tells pieces of a like layout apart without a look; its thresholds are those of before.
-- fits: 0017

insert into algorithm (version, match_score, possible_score) values (5, 0.98, 0.5);
