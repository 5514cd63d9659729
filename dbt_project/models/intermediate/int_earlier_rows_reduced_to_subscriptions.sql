{{ reduced_to_subscriptions(ref('stg_lake__earlier_usage_rows')) }}
