() => {
  // What runs of this visitor is said by the status line (status_line in running.py). From it follow the one Stop button,
  // and the bar under the button that was pressed, which shows progress as long as its run lasts.
  const bar = () => document.querySelector('.sp-actions.sp-running');
  let stopping = false;

  function follow() {
    const stop = document.getElementById('stop');
    const status = document.querySelector('#status .sp-status');
    if (!stop || !status) return;
    const own = status.classList.contains('sp-own');
    stopping = stopping && own;
    set(stop, own, stopping ? 'stopping…' : 'Stop');
    const pressed = bar();
    if (!pressed) return;
    if (!own && performance.now() - pressed.since > 1500) pressed.classList.remove('sp-running');
    if (!own) return;
    pressed.dataset.said = status.querySelector('span').textContent;
    pressed.style.setProperty('--sp-done', status.querySelector('.sp-share')?.style.width || '0%');
  }

  // Only what changes: this is called by what it changes.
  function set(button, enabled, label) {
    if (button.disabled === enabled) button.disabled = !enabled;
    if (button.textContent.trim() !== label) button.textContent = label;
  }

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-skip]')) {
      [...document.querySelectorAll('.sp-actions button.primary')].find((button) => button.offsetParent)?.focus();
      return;
    }
    if (event.target.closest('#find-some [data-act=find], [data-act=gallery]')) {
      resultsOf('discover-compute', 40);  // what it opens is in another tab
      return;
    }
    if (event.target.closest('#stop')) {
      stopping = true;
      follow();
      return;
    }
    const pressed = event.target.closest('.sp-actions button.primary')?.closest('.sp-actions');
    const running = event.target.closest('.sp-actions.sp-running');
    if (pressed && !pressed.classList.contains('sp-running')) {
      bar()?.classList.remove('sp-running');
      Object.assign(pressed.dataset, { said: '' });
      pressed.since = performance.now();
      pressed.classList.add('sp-running');
    }
    if (pressed || running) showResults(pressed || running);
  });

  function resultsOf(button, tries) {
    const there = document.getElementById(button);
    if (there?.offsetParent) showResults(there.closest('.sp-actions'));
    else if (tries) setTimeout(() => resultsOf(button, tries - 1), 250);
  }

  // Results are beside the form, or below it where there is no room.
  function showResults(actions) {
    const results = actions.closest('.sp-columns')?.lastElementChild;
    if (!results || results.contains(actions)) return;
    const { top, bottom } = results.getBoundingClientRect();
    const under = document.querySelector('.sp-top').getBoundingClientRect().bottom;
    if (top > innerHeight - 120 || bottom < under + 120 || top < under - innerHeight) {
      results.scrollIntoView({ behavior: 'smooth', block: 'start' });
    }
  }

  const found = setInterval(() => {
    const status = document.getElementById('status');
    if (!status) return;
    clearInterval(found);
    new MutationObserver(follow).observe(status, { childList: true, subtree: true, characterData: true });
    setInterval(follow, 1000);
  }, 100);
}
