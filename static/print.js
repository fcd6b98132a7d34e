// The button that prints a receipt: without scripts it is not there, and the browser's own menu prints the page.
const button = document.getElementById('print');
button.hidden = false;
button.addEventListener('click', () => print());
