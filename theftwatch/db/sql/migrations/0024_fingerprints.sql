-- Which version of the program fingerprinted an image, so that a rematch does it anew where another one did.
-- fits: 0021

alter table image add column fingerprint_version int not null default 1;
