// Dark and light, and what is drawn anew for them.

const toggle_ = document.getElementById("theme");
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

function nameTheme() {
  toggle_.textContent = dark() ? "Light" : "Dark";
  toggle_.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
}

toggle_.addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  nameTheme();
  redraw();
});
system.addEventListener("change", () => {
  nameTheme();
  redraw();
});
printing.addEventListener("change", redraw);
