/* Runs only in browsers that know no modules, where nothing else of the page does: in the language of their time. */
document.getElementById("old").removeAttribute("hidden");
