// The gallery: search, keys, and what a redraw of its rows must not undo (chosen row, open folds, a name being typed).
// Runs after the script of a board (kit/frame.py), with its `element`; TOOLS is the id of search field and keys.
const kept = { row: null, folds: new Set(), name: null };
const tool = (selector) => document.querySelector(`#TOOLS ${selector}`);
const rows = () => [...element.querySelectorAll('.sp-galrow')].filter((row) => row.offsetParent !== null);
const chosen = () => element.querySelector(`.sp-galrow[data-row="${kept.row}"]`);

function filter() {
  const search = (tool('.sp-search')?.value ?? '').trim().toLowerCase();
  let count = 0;
  const all = [...element.querySelectorAll('.sp-galrow')];
  for (const row of all) {
    const texts = row.querySelectorAll('.sp-negative .sp-text, .sp-steered .sp-text');
    const name = row.querySelector('.sp-name');
    const said = [name.value, name.dataset.suggested, ...[...texts].map((text) => text.textContent)];
    const found = said.join('\n').toLowerCase().includes(search);
    row.classList.toggle('sp-filtered', !found);
    count += found;
  }
  const matches = tool('.sp-matches');
  if (matches) matches.textContent = search && all.length ? `${count} of ${all.length}` : '';
  for (const fold of element.querySelectorAll('.sp-galfold')) {
    const has = fold.querySelector('.sp-galrow:not(.sp-filtered)') !== null;
    fold.classList.toggle('sp-filtered', !has);
    fold.open = (search && has) || kept.folds.has(fold.dataset.fold);
  }
}

function choose(row) {
  if (!row) return;
  kept.row = row.dataset.row;
  mark();
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

function mark() {
  for (const row of element.querySelectorAll('.sp-current')) row.classList.remove('sp-current');
  chosen()?.classList.add('sp-current');
}

function step(by) {
  const all = rows(), place = all.findIndex((row) => row.dataset.row === kept.row);
  choose(all[Math.min(Math.max(place < 0 ? 0 : place + by, 0), all.length - 1)]);
}

function redrawn() {
  filter();
  mark();
  const typing = kept.name && element.querySelector(`.sp-name[data-row="${kept.name.row}"]`);
  if (typing && document.activeElement === document.body) {
    typing.value = kept.name.value;
    typing.focus({ preventScroll: true });
  }
}

new MutationObserver(redrawn).observe(element, { childList: true, subtree: true });
document.addEventListener('input', (event) => { if (event.target === tool('.sp-search')) filter(); });
document.addEventListener('click', (event) => {
  if (event.target === tool('.sp-keysbutton')) showKeys();
});

function showKeys() {
  const keys = tool('.sp-keys');
  keys.hidden = !keys.hidden;
  tool('.sp-keysbutton').setAttribute('aria-expanded', String(!keys.hidden));
}

// Words of a text can be selected; only a plain click on it opens its strip.
element.addEventListener('click', (event) => {
  const row = event.target.closest('.sp-galrow');
  if (row) { kept.row = row.dataset.row; mark(); }
  if (event.target.closest('.sp-text') && String(getSelection())) event.stopPropagation();
}, true);
element.addEventListener('toggle', (event) => {
  const { open, dataset } = event.target;
  if (tool('.sp-search')?.value) return;
  if (open) kept.folds.add(dataset.fold); else kept.folds.delete(dataset.fold);
}, true);

const isName = (target) => target.matches?.('.sp-name') && element.contains(target);
const typed = (event) => {
  kept.name = isName(event.target) ? { row: event.target.dataset.row, value: event.target.value } : null;
};
element.addEventListener('focusin', typed);
element.addEventListener('input', typed);
element.addEventListener('focusout', (event) => {
  // A field that a redraw took away loses the focus too, and gets it back.
  if (isName(event.target) && event.target.isConnected) kept.name = null;
});

function onName(event) {
  const name = event.target;
  if (event.key !== 'Enter' && event.key !== 'Escape') return;
  event.preventDefault();
  const value = event.key === 'Enter' ? name.value : name.defaultValue;
  name.value = value;
  kept.name = null;
  if (event.key === 'Enter' && value !== name.defaultValue) {
    name.defaultValue = value;
    name.dispatchEvent(new Event('change', { bubbles: true }));
  }
  choose(name.closest('.sp-galrow'));
}

function rename() {
  const name = chosen()?.querySelector('.sp-name');
  if (!name) return;
  name.focus();
  name.value = name.value || name.dataset.suggested;
  name.select();
}

const press = (selector) => chosen()?.querySelector(selector)?.click();
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  s: () => press('.sp-star'),
  n: rename,
  o: () => press('button[data-act=strip]'),
  x: () => {
    const gone = chosen();
    step(1);
    gone?.querySelector('[data-act=discard]').click();
  },
  u: () => element.querySelector('.sp-undo button')?.click(),
  '/': () => tool('.sp-search')?.focus(),
  '?': showKeys,
};
document.addEventListener('keydown', (event) => {
  if (!element.isConnected || element.offsetParent === null) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isName(event.target)) return onName(event);
  if (event.target === tool('.sp-search') && event.key === 'Escape') {
    event.target.value = '';
    event.target.blur();
    filter();
  }
  if (event.target.matches?.('input, textarea, select, [contenteditable=true]') || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
