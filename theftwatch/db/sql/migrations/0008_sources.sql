-- Dates from elsewhere, and what a host allows.

-- Where the artisan has published a file, such as a photo page of Flickr, which may date it.
alter table original_file add column published_url text;

-- What an archive or a photo host was asked, so that "it has nothing" can be told from "nobody asked".
create table date_inquiry (
    source text not null,
    -- what was asked about: the address of a listing, of a photo in one, or of a page that an artisan names
    url text not null,
    -- of a photo the image that had to be the same; null for a listing's own page
    listing bigint references listing on delete cascade,
    image bigint references image on delete cascade,
    answer text not null check (answer in (
        'claim', -- a date claim came of it
        'nothing', -- it knows nothing of the address
        'other' -- it has something there that is not this photo
    )),
    asked_at timestamptz not null,
    primary key (source, url),
    check (listing is not null or image is not null)
);
create index date_inquiry_listing on date_inquiry (listing);
create index date_inquiry_image on date_inquiry (image);
comment on table date_inquiry is
    'What an archive or a photo host was asked about the age of a listing or a photo, and whether it knew.';

-- Of a host that grants so many calls a day.
alter table host_budget
    add column calls_per_day int,
    -- by the host's own word, less the turns promised since; null where it has not said
    add column calls_left int check (calls_left >= 0),
    -- until when nothing is asked, once none is left
    add column spent_until timestamptz;

create view analysis.date_inquiry as
select
    q.source, q.url, q.answer, q.asked_at, l.listing_id, l.marketplace, l.listing_ref,
    encode(i.sha256, 'hex') as image_sha256
from date_inquiry q
left join analysis.listing l on l.listing_id = q.listing
left join image i on i.id = q.image
where l.listing_id is not null
    or (q.listing is null and exists (
        select from original_file f join artisan a on a.id = f.artisan
        where f.image = q.image and a.opted_out_at is null
    ));

comment on view analysis.date_inquiry is
    'What archives and photo hosts were asked about the age of listings and photos; what they knew is in date_claim.';
comment on column analysis.date_inquiry.source is 'Who was asked';
comment on column analysis.date_inquiry.url is 'The address that was asked about';
comment on column analysis.date_inquiry.answer is
    'claim (a date came of it), nothing (it knows nothing of the address), or other (it shows another picture there)';
comment on column analysis.date_inquiry.asked_at is 'When it was asked last';
comment on column analysis.date_inquiry.listing_id is 'Key of the listing; null for a file that an artisan gave';
comment on column analysis.date_inquiry.marketplace is 'The site that shows the listing';
comment on column analysis.date_inquiry.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.date_inquiry.image_sha256 is
    'SHA-256 of the exact bytes of the photo, in hex; null where it was about the listing’s own page';
