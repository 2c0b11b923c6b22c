-- Photos that are asked for again: copies in an open case, as another may be put at the same address.

create view open_case_listing as
select cl.listing
from case_listing cl
join takedown_case c on c.id = cl.takedown_case
where c.closed_at is null;
comment on view open_case_listing is 'One row for each listing in an open case, and case: what is looked at most closely.';

-- What a host gave with a photo that is asked for again, to tell later whether other bytes stand at the address.
create table image_validator (
    url text primary key,
    image bigint not null references image on delete cascade,
    etag text,
    last_modified text,
    check (etag is not null or last_modified is not null)
);
comment on table image_validator is 'Photos that can be asked for with the condition that they have changed.';
create index image_validator_image on image_validator (image);

create or replace function target_interval(t target) returns interval
language sql stable parallel safe as $$
    select case
        -- A listing in an open case: whether it came down is asked at least daily.
        when t.kind = 'listing' and exists (
            select from listing l
            join open_case_listing o on o.listing = l.id
            where l.marketplace = t.marketplace and l.listing_ref = t.ref
        ) then least(t.every, interval '1 day')
        -- Nobody asked for this listing by itself, and it stays as it is: half as often, then a quarter.
        when t.kind = 'listing' and t.found_on is not null then t.every * power(2, least(t.unchanged, 2))
        else t.every
    end
$$;
