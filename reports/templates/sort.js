// Tables sort by the column whose heading is clicked; without this script they are as they are.
const number = cell => {
  const text = cell.textContent.trim().replace(/^[<>≥]\s*/, '').replace('−', '-').replace(/,(?=\d{3})/g, '');
  return /^[-+]?\d/.test(text) ? parseFloat(text) : NaN;
};
const compare = (a, b) => {
  const difference = number(a) - number(b);
  return Number.isNaN(difference) ? a.textContent.localeCompare(b.textContent, 'en') : difference;
};
for (const table of document.querySelectorAll('.scroll table')) {
  const [body, heads] = [table.tBodies[0], [...table.tHead.rows[0].cells]];
  if (!body || !body.rows[2]) continue;
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const sign = head.ariaSort === 'ascending' ? -1 : 1;
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
      const rows = [...body.rows].sort((a, b) => sign * compare(a.cells[column], b.cells[column]));
      body.append(...rows);
    });
  });
}
