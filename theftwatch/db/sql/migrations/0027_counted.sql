-- Which pairs count is said in one place.
-- fits: 0021

create function counts(suppressed_by text[], relation text, verdict text) returns boolean
language sql immutable parallel safe as $$
    select suppressed_by is null and relation is null and verdict is distinct from 'rejected'
$$;
comment on function counts is
    'Whether a pair of analysis.match says something: its photos are not suppressed, no relation covers it, and nobody '
    'rejected it.';
