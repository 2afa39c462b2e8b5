(() => {
  const table = document.querySelector('table.class'), body = table.tBodies[0], rows = [...body.rows];
  const tools = document.querySelector('.tools'), [search, odd] = tools.querySelectorAll('input');
  const names = new Intl.Collator(undefined, {numeric: true, sensitivity: 'base'});
  const value = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent;
  const plain = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const called = new Map(rows.map(row => [row, plain(row.cells[0].textContent + ' ' + row.dataset.id)]));
  const show = () => {
    const words = plain(search.value.trim());
    for (const row of rows) row.hidden = !called.get(row).includes(words) || odd.checked && !row.dataset.odd;
    const shown = rows.filter(row => !row.hidden).length;
    tools.querySelector('output').textContent = shown == rows.length ? '' : shown + ' of ' + rows.length;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => head.querySelector('button').addEventListener('click', () => {
    const turn = head.getAttribute('aria-sort') == 'ascending' ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', turn > 0 ? 'ascending' : 'descending');
    const isNumber = head.classList.contains('points');
    const order = isNumber ? (a, b) => value(a, i) - value(b, i) : (a, b) => names.compare(value(a, i), value(b, i));
    body.append(...rows.sort((a, b) => turn * order(a, b)));
  }));
  search.addEventListener('input', show);
  odd.addEventListener('change', show);
  tools.hidden = false;
  show();
})();
