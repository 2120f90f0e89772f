// The pictures of the status page: one shape for each state, so that it can be told without
// colours.

#include <array>

#include "exporter/status_page/assets.h"
#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

struct Icon {
  Level level;
  std::string_view colour;
  std::string_view path;
};

constexpr std::array<Icon, 4> kIcons = {{
    {Level::kFine, "#1a7f37", "M1 8a7 7 0 1 0 14 0A7 7 0 1 0 1 8M5 8l2.3 2.3L11.3 6"},
    {Level::kUnknown, "#6e7781", "M1 8a7 7 0 1 0 14 0A7 7 0 1 0 1 8M5 8h6"},
    {Level::kWarning, "#bf6a02", "M8 1l7 13.5H1zM8 6v4M8 12v.3"},
    {Level::kCritical, "#cf222e", "M5 1h6l4 4v6l-4 4H5l-4-4V5zM5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6"},
}};

}  // namespace

std::string IconAddress(Level level) {
  const Icon& icon = kIcons[static_cast<std::size_t>(level)];
  const std::string svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='" +
                          std::string(icon.path) + "' fill='#fff' stroke='" +
                          std::string(icon.colour) + "' stroke-width='2'/></svg>";
  return "data:image/svg+xml," + PercentEncode(svg);
}

// Each is 16 x 16 and takes the colour of the text around it. ok and up are one drawing, and so are
// absent and unchecked.
std::string_view SignDrawings() {
  return R"svg(<svg class=drawings width=0 height=0 aria-hidden=true><defs>
<g id="circle"><circle cx="8" cy="8" r="6.3"/></g>
<g id="octagon"><path d="M5.2 1.4h5.6l3.8 3.8v5.6l-3.8 3.8H5.2l-3.8-3.8V5.2z"/></g>
<g id="square"><rect x="1.7" y="1.7" width="12.6" height="12.6" rx="2.5"/></g>
<g id="dashes" stroke-dasharray="2.6 1.8"><circle cx="8" cy="8" r="6.3"/></g></defs>
<symbol id="sign-ok" viewBox="0 0 16 16"><use href="#circle"/><path d="M5 8.2l2.2 2.2L11.2 6"/></symbol>
<symbol id="sign-up" viewBox="0 0 16 16"><use href="#sign-ok"/></symbol>
<symbol id="sign-degraded" viewBox="0 0 16 16"><path d="M8 1.6l6.8 12.2H1.2z"/><path d="M8 6v3.6M8 11.6v.3"/></symbol>
<symbol id="sign-arp" viewBox="0 0 16 16"><use href="#sign-degraded"/></symbol>
<symbol id="sign-spof" viewBox="0 0 16 16"><path d="M8 .9L15.1 8 8 15.1.9 8z"/><path d="M6.6 6.4L8.3 5v6.2"/></symbol>
<symbol id="sign-down" viewBox="0 0 16 16"><use href="#octagon"/><path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"/></symbol>
<symbol id="sign-sorry" viewBox="0 0 16 16"><use href="#octagon"/><path d="M4.8 8h6.4"/></symbol>
<symbol id="sign-backup" viewBox="0 0 16 16"><use href="#square"/><path d="M4.3 6.4h7L9.4 4.5M11.7 9.7h-7l1.9 1.9"/></symbol>
<symbol id="sign-unknown" viewBox="0 0 16 16"><use href="#dashes"/><path d="M6.1 6.3a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.8.7-.8 1.4M8 11.5v.3"/></symbol>
<symbol id="sign-drain" viewBox="0 0 16 16"><use href="#circle"/><path d="M8 4.4v6.6M5.4 8.6L8 11.2l2.6-2.6"/></symbol>
<symbol id="sign-maintenance" viewBox="0 0 16 16"><use href="#square"/><path d="M6.2 5v6M9.8 5v6"/></symbol>
<symbol id="sign-absent" viewBox="0 0 16 16"><use href="#dashes"/><path d="M5.2 8h5.6"/></symbol>
<symbol id="sign-unchecked" viewBox="0 0 16 16"><use href="#sign-absent"/></symbol>
</svg>
)svg";
}

}  // namespace lvs::status
