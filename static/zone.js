// Beside times in the shop's zone: the same in the visitor's own, with its name, where the two differ.
const {lang, dataset: {here}} = document.documentElement;
const told = (at, timeZone, more) => at.toLocaleString(lang, {timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...more});
const tell = () => document.querySelectorAll('time[data-shop]:not([data-own])').forEach(el => {
  const at = new Date(el.dateTime), own = told(at);
  el.dataset.own = own;
  if (own == told(at, el.dataset.shop)) return;
  const beside = document.createElement('span');
  beside.className = 'fine';
  beside.textContent = ' ' + here.replace('{time}', told(at, undefined, {timeZoneName: 'short'}));
  el.after(beside);
});
tell();
addEventListener('htmx:afterSwap', tell); // before the browser paints
