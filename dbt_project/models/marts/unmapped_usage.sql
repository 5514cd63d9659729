with

usage_keys as (

    select * from {{ ref('int_subscriptions_added_to_keys') }}

),

unmapped_keys as (

    select * from {{ ref('int_keys_joined_to_decisions') }}
    where disposition = 'unmapped'

),

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

quantities as (

    select
        usage_keys.source,
        usage_keys.match_account,
        usage_keys.match_service,
        usage_keys.currency,
        cast(sum(usage_keys.quantity) as decimal(38, 10)) as quantity,
        cast(sum(usage_keys.row_count) as bigint) as evidence_count
    from usage_keys
    inner join unmapped_keys
        on
            usage_keys.source = unmapped_keys.source
            and usage_keys.match_account = unmapped_keys.match_account
            and usage_keys.match_service = unmapped_keys.match_service
    group by usage_keys.source, usage_keys.match_account, usage_keys.match_service, usage_keys.currency

),

-- Keys and names as a person finds them in the file; the smallest spelling where rows differ. A list of subscriptions
-- gives a cost per unit and no amount; beyond a billion the product may not fit, and nobody owes it.
spellings as (

    select
        usage_rows.source,
        usage_rows.match_account,
        usage_rows.match_service,
        usage_rows.currency,
        min(usage_rows.account_key) as account_key,
        min(usage_rows.account_name) as account_name,
        min(usage_rows.service_key) as service_key,
        min(usage_rows.service_name) as service_name,
        cast(
            sum(
                case
                    when usage_rows.amount is not null then usage_rows.amount
                    when abs(usage_rows.quantity) < 1000000000 and abs(usage_rows.unit_cost) < 1000000000
                        then cast(round(usage_rows.quantity * usage_rows.unit_cost, 10) as decimal(38, 10))
                end
            ) as decimal(38, 10)
        ) as amount
    from usage_rows
    inner join unmapped_keys
        on
            usage_rows.source = unmapped_keys.source
            and usage_rows.match_account = unmapped_keys.match_account
            and usage_rows.match_service = unmapped_keys.match_service
    group by usage_rows.source, usage_rows.match_account, usage_rows.match_service, usage_rows.currency

),

described as (

    select
        quantities.source,
        quantities.match_account,
        quantities.match_service,
        quantities.currency,
        spellings.account_key,
        coalesce(spellings.account_name, spellings.account_key) as account_name,
        spellings.service_key,
        coalesce(spellings.service_name, spellings.service_key) as service_name,
        unmapped_keys.account_decision <> 'unmapped' as is_account_mapped,
        unmapped_keys.service_decision <> 'unmapped' as is_service_mapped,
        quantities.quantity,
        spellings.amount,
        quantities.evidence_count
    from quantities
    inner join unmapped_keys
        on
            quantities.source = unmapped_keys.source
            and quantities.match_account = unmapped_keys.match_account
            and quantities.match_service = unmapped_keys.match_service
    inner join spellings
        on
            quantities.source = spellings.source
            and quantities.match_account = spellings.match_account
            and quantities.match_service = spellings.match_service
            and coalesce(quantities.currency, '') = coalesce(spellings.currency, '')

)

select * from described
