-- Version 9 of the algorithm looks at thin originals at two scales and verifies fewer neighbours, by the same thresholds.
-- fits: 0021

insert into algorithm (version, match_score, possible_score) values (9, 0.98, 0.5);
