with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

previous_rows as (

    select * from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row

),

previous_keys as (

    select * from {{ ref('int_previous_rows_added_to_keys') }}

),

new_keys as (

    select * from {{ ref('int_rows_reduced_to_new_keys') }}

),

carried as (

    select * from {{ ref('stg_lake__previous_key_drifts') }}

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}
    where is_complete

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

current_keys as (

    select distinct
        source,
        match_account,
        match_service
    from {{ ref('int_subscriptions_added_to_keys') }}

),

current_services as (

    select distinct
        source,
        match_service
    from current_keys

),

-- What is paid for is not lost.
kept_keys as (

    select * from current_keys
    union
    select
        source,
        match_account,
        match_service
    from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}

),

lost_keys as (

    select
        previous_keys.*,
        current_services.match_service is null as is_lost_service,
        {{ folded_key('previous_keys.match_account') }} as folded_account,
        {{ folded_key('previous_keys.match_service') }} as folded_service
    from previous_keys
    left join kept_keys
        on
            previous_keys.source = kept_keys.source
            and previous_keys.match_account = kept_keys.match_account
            and previous_keys.match_service = kept_keys.match_service
    left join current_services
        on
            previous_keys.source = current_services.source
            and previous_keys.match_service = current_services.match_service
    where kept_keys.source is null

),

-- A subscription goes by its own id: the old key may still be borne by others.
new_subscriptions as (

    select distinct
        new_keys.source,
        new_keys.match_account,
        new_keys.match_service,
        new_keys.is_new_account,
        new_keys.is_new_service,
        usage_rows.subscription_id
    from new_keys
    inner join usage_rows
        on
            new_keys.source = usage_rows.source
            and new_keys.match_account = usage_rows.match_account
            and new_keys.match_service = usage_rows.match_service
    where usage_rows.subscription_id is not null

),

by_subscription as (

    select distinct
        previous_rows.source,
        previous_rows.match_account as account_before,
        previous_rows.match_service as service_before,
        new_subscriptions.match_account,
        new_subscriptions.match_service,
        new_subscriptions.is_new_account,
        new_subscriptions.is_new_service,
        1 as strength
    from previous_rows
    inner join new_subscriptions
        on
            previous_rows.source = new_subscriptions.source
            and previous_rows.subscription_id = new_subscriptions.subscription_id
    left join usage_rows
        on
            previous_rows.source = usage_rows.source
            and previous_rows.subscription_id = usage_rows.subscription_id
            and previous_rows.match_account = usage_rows.match_account
            and previous_rows.match_service = usage_rows.match_service
    where usage_rows.source is null

),

by_spelling as (

    select
        lost_keys.source,
        lost_keys.match_account as account_before,
        lost_keys.match_service as service_before,
        new_keys.match_account,
        new_keys.match_service,
        new_keys.is_new_account,
        new_keys.is_new_service,
        2 as strength
    from lost_keys
    inner join new_keys
        on
            lost_keys.source = new_keys.source
            and lost_keys.folded_account = {{ folded_key('new_keys.match_account') }}
            and lost_keys.folded_service = {{ folded_key('new_keys.match_service') }}

),

-- One new key for each quantity of an account, so that a file with all keys renamed is not compared all with all.
new_quantities as (

    select
        source,
        match_account,
        quantity,
        min(match_service) as match_service
    from new_keys
    where is_new_service and not is_new_account and quantity <> 0
    group by source, match_account, quantity

),

by_quantity as (

    select
        lost_keys.source,
        lost_keys.match_account as account_before,
        lost_keys.match_service as service_before,
        new_quantities.match_account,
        new_quantities.match_service,
        false as is_new_account,
        true as is_new_service,
        3 as strength
    from lost_keys
    inner join new_quantities
        on
            lost_keys.source = new_quantities.source
            and lost_keys.match_account = new_quantities.match_account
            and lost_keys.quantity = new_quantities.quantity
    where lost_keys.is_lost_service

),

alike as (

    select * from by_subscription
    union all
    select * from by_spelling
    union all
    select * from by_quantity

),

-- A key that the source used a month ago already is another thing, not another name.
renamed as (

    select
        alike.*,
        min(alike.strength) over (partition by alike.source, alike.account_before, alike.service_before) as strongest
    from alike
    where
        (alike.account_before = alike.match_account or alike.is_new_account)
        and (alike.service_before = alike.match_service or alike.is_new_service)

),

fresh as (

    select
        renamed.source,
        renamed.account_before,
        renamed.service_before,
        renamed.match_account,
        renamed.match_service,
        min(renamed.strength) as strength,
        max(billing_periods.first_day) as seen_since,
        max(previous_keys.quantity) as quantity_before
    from renamed
    inner join previous_keys
        on
            renamed.source = previous_keys.source
            and renamed.account_before = previous_keys.match_account
            and renamed.service_before = previous_keys.match_service
    cross join billing_periods
    -- the same quantity says something only where nothing better does
    where renamed.strength < 3 or renamed.strongest = 3
    group by
        renamed.source,
        renamed.account_before,
        renamed.service_before,
        renamed.match_account,
        renamed.match_service

),

-- What nobody decided a month ago is still open while the new key is used and the old one is not.
still_open as (

    select
        carried.source,
        carried.account_before,
        carried.service_before,
        carried.match_account,
        carried.match_service,
        case carried.likeness when 'subscription' then 1 when 'spelling' then 2 else 3 end as strength,
        carried.seen_since,
        carried.quantity_before
    from carried
    inner join source_states on carried.source = source_states.source
    inner join current_keys
        on
            carried.source = current_keys.source
            and carried.match_account = current_keys.match_account
            and carried.match_service = current_keys.match_service
    left join current_keys as old_keys
        on
            carried.source = old_keys.source
            and carried.account_before = old_keys.match_account
            and carried.service_before = old_keys.match_service
    where old_keys.source is null

),

together as (

    select * from fresh
    union all
    select * from still_open

),

matched as (

    select
        source,
        account_before,
        service_before,
        match_account,
        match_service,
        case min(strength) when 1 then 'subscription' when 2 then 'spelling' else 'quantity' end as likeness,
        min(seen_since) as seen_since,
        cast(max(quantity_before) as decimal(38, 10)) as quantity_before
    from together
    group by source, account_before, service_before, match_account, match_service

)

select * from matched
