package identitylink;

import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/** The items of pages that follow each other. A page is read after the items of the one before. */
final class Pages<T> implements Iterator<T> {
    /** Returns the items of the next page; null after the last one. */
    private final Supplier<? extends Iterable<T>> next;

    private Iterator<T> items = Collections.emptyIterator();
    private boolean isOver;

    Pages(Supplier<? extends Iterable<T>> next) {
        this.next = next;
    }

    @Override
    public boolean hasNext() {
        while (!isOver && !items.hasNext()) {
            Iterable<T> page = next.get();
            isOver = page == null;
            items = isOver ? Collections.emptyIterator() : page.iterator();
        }
        return !isOver;
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException("that was the last item of the last page");
        }
        return items.next();
    }
}
