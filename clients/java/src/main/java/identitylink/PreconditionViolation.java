package identitylink;

import java.io.Serializable;

/** What keeps the server from carrying out the request now. */
public final class PreconditionViolation implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String type;
    private final String subject;
    private final String description;

    PreconditionViolation(String type, String subject, String description) {
        this.type = type;
        this.subject = subject;
        this.description = description;
    }

    /**
     * Returns the kind of precondition.
     *
     * @return the kind, such as {@code METADATA_CONFLICT}
     */
    public String getType() {
        return type;
    }

    /**
     * Returns what it concerns, such as the path of a conflict.
     *
     * @return the subject; empty if there are more than were sent
     */
    public String getSubject() {
        return subject;
    }

    /**
     * Returns why it keeps the server from the request.
     *
     * @return a sentence for people
     */
    public String getDescription() {
        return description;
    }

    @Override
    public String toString() {
        return subject + ": " + description;
    }
}
