// Shows how far the job of the page is, and opens the page anew at its end.
"use strict";

const progress = document.getElementById("progress");

if (progress.dataset.live) {
  const source = new EventSource(progress.dataset.live);
  source.onmessage = ({ data }) => {
    const { state, done, total, text, isOver } = JSON.parse(data);
    if (isOver) {
      source.close();
      location.replace(location.pathname);
      return;
    }
    const shown = document.getElementById("state");
    // A screen reader says it each time that it is set.
    if (shown.textContent !== state) {
      shown.textContent = state;
    }
    document.getElementById("done").textContent = text;
    if (total > 0) {
      progress.max = total;
      progress.value = done;
    }
  };
}
