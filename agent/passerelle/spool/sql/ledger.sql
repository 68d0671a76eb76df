-- name: tallies
SELECT subject, grouped_by, state, n FROM tally WHERE n > 0

-- name: oldest_in_state
SELECT min(created_at) AS at FROM delivery
WHERE destination = :destination AND state = :state AND state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = 0

-- name: newest_acquisition
SELECT received_at AS at FROM acquisition WHERE rowid = (SELECT max(rowid) FROM acquisition)

-- name: delivery_rows
SELECT delivery.rowid AS place, delivery.created_at AS made_at, delivery.sop_instance_uid, sop_class_uid, study_instance_uid,
    destination, delivery.state, attempts,
    CASE delivery.state WHEN 'PENDING' THEN next_attempt_at END AS next_attempt_at,
    delivery.reason, source, original, instance.size AS bytes, delivery.created_at,
    instance.acquisition_id AS acquisition
FROM delivery
JOIN instance USING (sop_instance_uid)
JOIN acquisition ON acquisition.id = instance.acquisition_id
LEFT JOIN patient ON patient.acquisition_id = instance.acquisition_id
WHERE delivery.rowid > :place AND (:state IS NULL OR delivery.state = :state)
ORDER BY delivery.rowid LIMIT :limit

-- name: open_rows
SELECT delivery.rowid AS place, delivery.created_at AS made_at, delivery.sop_instance_uid, sop_class_uid, study_instance_uid,
    destination, delivery.state, attempts,
    CASE delivery.state WHEN 'PENDING' THEN next_attempt_at END AS next_attempt_at,
    delivery.reason, source, original, instance.size AS bytes, delivery.created_at,
    instance.acquisition_id AS acquisition
FROM delivery
JOIN instance USING (sop_instance_uid)
JOIN acquisition ON acquisition.id = instance.acquisition_id
LEFT JOIN patient ON patient.acquisition_id = instance.acquisition_id
WHERE destination = :destination AND delivery.state = :state
    AND delivery.state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = :gone
    AND (delivery.created_at, delivery.rowid) > (:at, :place)
ORDER BY delivery.created_at, delivery.rowid LIMIT :limit

-- name: kept_rows
SELECT acquisition.rowid AS place, received_at AS made_at, '' AS sop_instance_uid, '' AS sop_class_uid,
    '' AS study_instance_uid, '' AS destination, state, 0 AS attempts, NULL AS next_attempt_at,
    reason, source, original, size AS bytes, received_at AS created_at, id AS acquisition
FROM acquisition LEFT JOIN patient ON acquisition_id = id
WHERE acquisition.rowid > :place AND state IN ('HELD', 'QUARANTINED')
    AND (:state IS NULL OR state = :state)
ORDER BY acquisition.rowid LIMIT :limit

-- name: acquisition_shown
SELECT id AS acquisition, source, state, reason, size AS bytes, received_at, original,
    identity, sha256, sidecar_sha256
FROM acquisition LEFT JOIN patient ON acquisition_id = id
WHERE id = :id

-- name: instance_shown
SELECT sop_instance_uid, sop_class_uid, study_instance_uid, series_instance_uid,
    transfer_syntax_uid, sha256, size AS bytes, created_at, removed_at,
    acquisition_id AS acquisition
FROM instance WHERE sop_instance_uid = :uid

-- name: instances_of
SELECT sop_instance_uid, removed_at FROM instance WHERE acquisition_id = :id ORDER BY number

-- name: deliveries_shown
SELECT destination, state, attempts, next_attempt_at, reason, stored_at, committed_at, proof
FROM delivery WHERE sop_instance_uid = :uid ORDER BY destination

-- name: instance
SELECT instance.*, {intact:instance} AS intact FROM instance WHERE sop_instance_uid = :uid

-- name: acquisition
SELECT acquisition.*, {intact:acquisition} AS intact FROM acquisition WHERE id = :id

-- name: kept_ids
SELECT id FROM acquisition WHERE state IN ('HELD', 'QUARANTINED') ORDER BY rowid
