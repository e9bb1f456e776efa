// Dark and light, and what is drawn anew for them.

const toggle_ = document.getElementById("theme");
// The sheet of dark colours is for screens that ask for them, until the button says for which.
const sheet = document.getElementById("dark");
const dark = () => window.matchMedia(sheet.media).matches;

function nameTheme() {
  toggle_.textContent = dark() ? "Light" : "Dark";
  toggle_.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
}

toggle_.addEventListener("click", () => {
  sheet.media = dark() ? "not all" : "screen";
  nameTheme();
  redraw();
});
system.addEventListener("change", () => {
  nameTheme();
  redraw();
});
printing.addEventListener("change", redraw);
