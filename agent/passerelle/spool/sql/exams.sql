-- name: open_exam
INSERT INTO exam (opened_by, opened_at, boot, steady_offset)
VALUES (:opened_by, :opened_at, :boot, :steady_offset) RETURNING id

-- name: exam_patient
INSERT INTO exam_patient (exam_id, identity) VALUES (:exam_id, :identity)

-- name: close_exams
UPDATE exam SET closed_at = :at, boot = :boot, steady_offset = :steady_offset
WHERE closed_at IS NULL RETURNING id

-- name: latest_exam
SELECT exam.*, identity, {intact:exam} AND coalesce({intact:exam_patient}, 0) AS intact
FROM exam LEFT JOIN exam_patient ON exam_id = id
WHERE id = (SELECT max(id) FROM exam)

-- name: exams_about
SELECT exam.*, identity, {intact:exam} AND coalesce({intact:exam_patient}, 0) AS intact
FROM exam LEFT JOIN exam_patient ON exam_id = id
WHERE opened_at BETWEEN :since AND :until ORDER BY opened_at, id

-- name: doubt_times
INSERT INTO exam_doubt (exam_id, begins, ends) VALUES (:exam_id, :begins, :ends)

-- name: doubts_about
SELECT exam_doubt.*, {intact:exam_doubt} AS intact FROM exam_doubt
WHERE begins <= :at AND ends >= :at

-- name: drop_lonely_exams
DELETE FROM exam WHERE NOT EXISTS (SELECT 1 FROM exam_patient WHERE exam_id = exam.id)

-- name: drop_lonely_exam_patients
DELETE FROM exam_patient WHERE NOT EXISTS (SELECT 1 FROM exam WHERE exam.id = exam_id)
