// Arrow keys walk over the cells of the map, which is one stop of the Tab key.
element.addEventListener('keydown', (event) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const cell = event.target.closest('.sp-mapcell');
  if (!step || !cell) return;
  event.preventDefault();
  const rows = [...element.querySelectorAll('[role=row]')].map((row) => [...row.children]);
  let row = rows.findIndex((each) => each.includes(cell));
  let column = rows[row].indexOf(cell);
  for (;;) {
    row += step[0];
    column += step[1];
    const next = rows[row]?.[column];
    if (!next) return;
    if (next.matches('.sp-mapcell')) {
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      return;
    }
  }
});
// What a click opens is below the map: as much of it is brought into sight as leaves the clicked cell there.
element.addEventListener('click', (event) => {
  const cell = event.target.closest('.sp-mapcell');
  const panel = document.getElementById('atlas-cell');
  if (!cell || !panel) return;
  const tabs = document.querySelector('.tab-wrapper')?.getBoundingClientRect().bottom ?? 0;
  const wanted = panel.getBoundingClientRect().top - 0.45 * innerHeight;
  const most = cell.getBoundingClientRect().top - Math.max(tabs, 0) - 30;  // with the names of the targets
  if (Math.min(wanted, most) > 8) window.scrollBy({ top: Math.min(wanted, most), behavior: 'smooth' });
});
