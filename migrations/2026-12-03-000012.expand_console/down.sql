DROP TABLE console_looks;
DROP TABLE console_sessions;
DROP TABLE console_attempts;
