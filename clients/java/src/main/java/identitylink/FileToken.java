package identitylink;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/** The token in a file that another process renews. */
final class FileToken implements TokenSource {
    private final Path path;
    private BasicFileAttributes read;
    private String value;

    FileToken(Path path) {
        this.path = Objects.requireNonNull(path, "path");
    }

    @Override
    public synchronized String token() throws IOException {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
        if (read == null || !isSame(read, found)) {
            // If the file is replaced after the look at it, the next call sees another one.
            String text = new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
            value = Tokens.checked(text.trim());
            read = found;
        }
        return value;
    }

    @Override
    public synchronized String renewed(String rejected) throws IOException {
        read = null;
        return token();
    }

    @Override
    public boolean mayBlock() {
        return false;
    }

    private static boolean isSame(BasicFileAttributes one, BasicFileAttributes other) {
        return one.size() == other.size()
                && one.lastModifiedTime().equals(other.lastModifiedTime())
                && Objects.equals(one.fileKey(), other.fileKey());
    }

    /** Hides the value. */
    @Override
    public String toString() {
        return "FileToken(" + path + ")";
    }
}
