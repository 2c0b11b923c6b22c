-- Version 7 of the algorithm tells pairs of features that agree by chance by how far they are off; its thresholds are those of before.
-- fits: 0021

insert into algorithm (version, match_score, possible_score) values (7, 0.98, 0.5);
