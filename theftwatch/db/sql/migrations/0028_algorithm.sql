-- Version 6 of the algorithm chooses which originals to look at closely by few features of both pictures; its thresholds are those
-- of before.
-- fits: 0021

insert into algorithm (version, match_score, possible_score) values (6, 0.98, 0.5);
