-- find_coverage_due --
select key from coverage_due order by key limit %(most)s;

-- forget_coverage --
with taken as (
    delete from coverage_due where key = any(%(keys)s::text[])
)
delete from seller_coverage where key = any(%(keys)s::text[]);

-- insert_coverage --
-- Counts anew what is known of sellers and of artisans' files.
insert into seller_coverage select * from coverage_of(%(keys)s::text[]);

-- find_sums_due --
select key from sum_due order by key limit %(most)s;

-- forget_sums --
with taken as (
    delete from sum_due where key = any(%(keys)s::text[])
), forgotten as (
    delete from vendor_sum where key = any(%(keys)s::text[])
)
delete from vendor_month where key = any(%(keys)s::text[]);

-- insert_sums --
-- Sums up anew what the findings of vendors come to.
insert into vendor_sum select * from vendor_sums(%(keys)s::text[]);

-- insert_months --
-- Counts anew what was entered about vendors in each month.
insert into vendor_month select * from vendor_months(%(keys)s::text[]);
