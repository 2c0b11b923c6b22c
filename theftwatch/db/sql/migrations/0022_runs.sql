-- Runs are found without reading all that there ever were: the newest of a spider, and those under way.
-- fits: 0021

create index run_newest on run (spider, id desc);
create index run_under_way on run (id) where finished_at is null;
