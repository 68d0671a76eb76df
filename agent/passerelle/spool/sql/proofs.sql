-- name: awaiting_proof
SELECT delivery.sop_instance_uid, {intact:delivery} AS intact FROM delivery
WHERE destination = :destination AND state = 'STORED' AND state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = 0 AND transaction_uid IS NULL
ORDER BY created_at LIMIT :limit

-- name: begin_transaction
INSERT INTO proof_request (transaction_uid, destination, asked_at)
VALUES (:transaction_uid, :destination, :now)

-- name: ask_in_transaction
UPDATE delivery SET transaction_uid = :transaction_uid
WHERE destination = :destination AND state = 'STORED'
    AND sop_instance_uid IN (SELECT value FROM json_each(:uids))

-- name: transaction_of
SELECT destination FROM proof_request WHERE transaction_uid = :transaction_uid

-- name: asked_in
SELECT sop_instance_uid FROM delivery WHERE transaction_uid = :transaction_uid ORDER BY rowid

-- name: end_transaction
DELETE FROM proof_request WHERE transaction_uid = :transaction_uid

-- name: free_from_transaction
UPDATE delivery SET transaction_uid = NULL WHERE transaction_uid = :transaction_uid

-- name: overdue
SELECT transaction_uid FROM proof_request
WHERE destination = :destination AND asked_at <= :older_than ORDER BY asked_at

-- name: open_transaction
SELECT transaction_uid FROM proof_request WHERE destination = :destination LIMIT 1

-- name: committed
UPDATE delivery SET state = 'COMMITTED', reason = '', proof = :proof, committed_at = :now,
    stored_at = coalesce(stored_at, :now), uncertain = 0, changed_at = :now, transaction_uid = NULL
WHERE destination = :destination AND state IN ('PENDING', 'SENDING', 'UNKNOWN', 'STORED')
    AND sop_instance_uid IN (SELECT value FROM json_each(:uids))
