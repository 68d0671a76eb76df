-- name: enter_acquisition
INSERT INTO acquisition (id, agent, source, state, reason, sha256, sidecar_sha256, size,
    instances, received_at)
VALUES (:id, :agent, :source, :state, :reason, :sha256, :sidecar_sha256, :size,
    :instances, :received_at)
ON CONFLICT (id) DO UPDATE SET instances = excluded.instances, size = excluded.size

-- name: enter_patient
INSERT INTO patient (acquisition_id, identity, original)
VALUES (:acquisition_id, :identity, :original)
ON CONFLICT (acquisition_id) DO UPDATE SET identity = excluded.identity

-- name: enter_instance
INSERT INTO instance (sop_instance_uid, acquisition_id, number, sop_class_uid,
    study_instance_uid, series_instance_uid, transfer_syntax_uid, sha256, size, created_at)
VALUES (:sop_instance_uid, :acquisition_id, :number, :sop_class_uid,
    :study_instance_uid, :series_instance_uid, :transfer_syntax_uid, :sha256, :size, :created_at)
ON CONFLICT (sop_instance_uid) DO UPDATE
SET removed_at = NULL, acquisition_id = excluded.acquisition_id WHERE removed_at IS NOT NULL

-- name: here_again
UPDATE delivery SET next_attempt_at = :at WHERE sop_instance_uid = :uid AND next_attempt_at IS NULL

-- name: enter_delivery
INSERT INTO delivery (sop_instance_uid, destination, state, attempts, next_attempt_at, failures,
    uncertain, reason, created_at, changed_at)
VALUES (:uid, :destination, :state, 0, :created_at, 0, :state = 'UNKNOWN', :reason,
    :created_at, :now)
ON CONFLICT (sop_instance_uid, destination) DO NOTHING

-- name: acquisition_moved
UPDATE acquisition SET state = :state, reason = :reason WHERE id = :id

-- name: acquisition_completed
UPDATE acquisition SET state = 'WRAPPED', reason = ''
WHERE state IN ('RECEIVED', 'HELD', 'QUARANTINED') AND instances > 0
    AND instances = (SELECT count(*) FROM instance WHERE acquisition_id = acquisition.id)

-- name: acquisition_is_here
SELECT 1 AS yes FROM acquisition WHERE id = :id

-- name: destinations_of
SELECT destination FROM delivery WHERE sop_instance_uid = :uid

-- name: last_acquisition_place
SELECT coalesce(max(rowid), 0) AS place FROM acquisition
