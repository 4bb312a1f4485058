package identitylink;

/** One token, which is never renewed. */
final class StaticToken implements TokenSource {
    private final String value;

    StaticToken(String value) {
        this.value = value;
    }

    @Override
    public String token() {
        return value;
    }

    @Override
    public String renewed(String rejected) {
        return value;
    }

    @Override
    public boolean mayBlock() {
        return false;
    }

    /** Hides the value. */
    @Override
    public String toString() {
        return "StaticToken(hidden)";
    }
}
