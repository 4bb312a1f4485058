package identitylink;

import java.io.Serializable;

/** A field of the request that is wrong in any state of the data. */
public final class FieldViolation implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String field;
    private final String description;

    FieldViolation(String field, String description) {
        this.field = field;
        this.description = description;
    }

    /**
     * Returns the field, such as {@code user_metadata/a/0}.
     *
     * @return the field; empty if there are more violations than were sent
     */
    public String getField() {
        return field;
    }

    /**
     * Returns what is wrong with it.
     *
     * @return a sentence for people
     */
    public String getDescription() {
        return description;
    }

    @Override
    public String toString() {
        return field + ": " + description;
    }
}
