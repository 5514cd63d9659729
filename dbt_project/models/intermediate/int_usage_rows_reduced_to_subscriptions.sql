{#-
    A sum of sums is the sum: where rows only add, their subscriptions need not be told apart. With a subscription per
    row that is a quarter of the time.
-#}
{%- set told_apart = "case when method not in ('sum', 'signed_sum', 'count') then subscription_id end" -%}

{{ reduced_to_subscriptions(ref('stg_lake__usage_rows'), told_apart) }}
