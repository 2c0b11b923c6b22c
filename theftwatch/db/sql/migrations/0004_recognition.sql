-- What recognition knows of an image beside its hashes: a network's descriptors, and the local features of originals.

create table descriptor (
    image bigint not null references image on delete cascade,
    -- 0: the whole picture; the others are parts of it that may be photos of their own, as found in suspects
    part smallint not null check (part >= 0),
    -- left, top, right and bottom of the part, as shares of width and height
    place real[] not null check (array_length(place, 1) = 4),
    -- name of the network; descriptors of two networks cannot be compared
    model text not null,
    -- 512 numbers of two bytes each, of length 1 together
    embedding bytea not null check (octet_length(embedding) = 1024),
    -- their signs
    code bit(512) not null,
    primary key (image, part)
);
comment on table descriptor is 'What a network says of an image, and of parts of it that may be photos of their own.';

-- The signs of descriptors, once for each role that an image plays: narrow rows to search, by an index where the
-- extension vector is there, else by reading them all.
create table descriptor_code (
    image bigint not null,
    side text not null check (side in ('original', 'suspect')),
    part smallint not null,
    code bit(512) not null,
    primary key (image, side, part),
    foreign key (image, part) references descriptor on delete cascade
);
comment on table descriptor_code is 'The signs of descriptors, for each role of an image, to be searched.';
alter table descriptor_code set (autovacuum_vacuum_insert_scale_factor = 0.02);

-- Packed as theftwatch/images/features.py says, so that a new suspect is compared without decoding originals.
create table local_features (
    image bigint primary key references image on delete cascade,
    packed bytea not null
);
comment on table local_features is 'Local features of originals, packed, so that a suspect is compared without decoding them.';
alter table local_features alter column packed set storage external; -- compression gains nothing
