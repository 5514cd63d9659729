-- Under the method none a second row of a subscription is an error, and both were to be rejected when they were read.
select *
from {{ ref('int_usage_rows_reduced_to_subscriptions') }}
where method = 'none' and row_count > 1
