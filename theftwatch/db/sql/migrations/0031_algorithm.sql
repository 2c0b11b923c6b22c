-- Version 8 of the algorithm squeezes pictures for the network in two steps; its thresholds are those of before.
-- fits: 0021

insert into algorithm (version, match_score, possible_score) values (8, 0.98, 0.5);
