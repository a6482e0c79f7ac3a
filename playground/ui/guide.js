() => {
  // The first minute (guide.py): one step at a time, what it is about outlined. Using that leads on.
  const KEY = 'playground-first-minute';
  const card = () => document.querySelector('#guide .sp-guide');
  const steps = () => [...card()?.querySelectorAll('li') ?? []];
  let step = seen() ? null : 0;

  function seen() {
    try {
      return localStorage.getItem(KEY) !== null;
    } catch {
      return false;  // denied in a frame of another site
    }
  }

  function about() {
    const selector = step === null ? null : steps()[step]?.dataset.about;
    return selector ? [...document.querySelectorAll(selector)].find((each) => each.offsetParent) : null;
  }

  function show() {
    for (const each of document.querySelectorAll('.sp-pointed')) each.classList.remove('sp-pointed');
    const shown = card();
    if (!shown) return;
    shown.hidden = step === null;
    if (step === null) return;
    const all = steps();
    all.forEach((each, index) => { each.hidden = index !== step; });
    shown.querySelector('b span').textContent = `${step + 1} of ${all.length}`;
    shown.querySelector('[data-guide=next]').textContent = step === all.length - 1 ? 'Open Discover' : 'Next';
    about()?.classList.add('sp-pointed');
  }

  function go(to, scroll = false) {
    step = to !== null && to < steps().length ? to : null;
    if (step === null) {
      try {
        localStorage.setItem(KEY, 'seen');
      } catch { /* it comes again, then */ }
    }
    show();
    // Whoever was led on by using something looks at what that does.
    if (step && scroll) about()?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  document.addEventListener('click', (event) => {
    const pressed = event.target.closest('[data-guide]')?.dataset.guide;
    if (pressed === 'again') go(0);
    if (pressed === 'end') go(null);
    if (pressed === 'next') {
      const last = step === steps().length - 1 ? about() : null;
      go(step + 1, true);
      last?.click();
    }
    if (!pressed) used(event.target, 2);
  });
  document.addEventListener('change', (event) => used(event.target, 1, 1));

  // Whoever uses what a later step is about is there already.
  function used(target, first, last = Infinity) {
    if (step === null) return;
    const later = steps().findIndex((each, index) => index >= Math.max(step, first) && index <= last
      && target.closest?.(each.dataset.about));
    if (later >= 0) go(later + 1);
  }

  const found = setInterval(() => {
    const place = document.getElementById('guide');
    if (!place) return;
    clearInterval(found);
    new MutationObserver(() => { if (card()?.hidden !== (step === null)) show(); }).observe(place, { childList: true, subtree: true });
    show();
  }, 100);
}
