-- What jobs have linked or undone stays. Plans and reports are lost, and a job that has not ended is
-- not continued.
DROP TABLE job_lines;
DROP TABLE jobs;
