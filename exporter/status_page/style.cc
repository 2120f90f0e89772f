// The status page's style sheet. Colours come in pairs with at least 4.5:1 of contrast (WCAG 2.1
// AA), for light and dark; each state has a word and a shape beside its colour.

#include "exporter/status_page/assets.h"

namespace lvs::status {

std::string_view Style() {
  return R"css(
:root{color-scheme:light dark;--page:#f4f6f8;--card:#fff;--ink:#1b2027;--dim:#59626c;--line:#d5dbe1;--link:#0a58a6;
--ok:#14642c;--ok-bg:#e1f3e6;--warn:#7c4700;--warn-bg:#ffefcf;--warn-line:#d98e04;--bad:#fff;--bad-bg:#b42318;--bad-line:#b42318;
--bad-ink:#a11b12;--info:#0b4f96;--info-bg:#e3effb;--none:#4d565f;--none-bg:#eceff2;--bar:#c3d3e4;--mark:#0b4f96;--flash:#ffe27a}
@media (prefers-color-scheme:dark){:root{--page:#0e1217;--card:#171c22;--ink:#e7ebef;--dim:#9aa6b2;--line:#303842;--link:#86bdff;
--ok:#7fdc97;--ok-bg:#12301d;--warn:#f5c56b;--warn-bg:#3a2b0a;--warn-line:#b57d13;--bad:#fff;--bad-bg:#b3261e;--bad-line:#e5534b;
--bad-ink:#ff9d96;--info:#93c6ff;--info-bg:#10304f;--none:#b6c0ca;--none-bg:#2a313a;--bar:#3d5470;--mark:#93c6ff;--flash:#6b5300}}
*{box-sizing:border-box}
html{scroll-padding-top:3rem;overflow-anchor:none}
body{margin:0 auto;max-width:84rem;padding:1rem 1.25rem 3rem;background:var(--page);color:var(--ink);
font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
code{font-size:.92em}
small{font-size:.87em;color:var(--dim)}
.dim{color:var(--dim);margin:.5rem 0 0}
h1{font-size:1.1rem;margin:0}
h1 small{font-weight:400}
h2{font-size:1.05rem;margin:1.5rem 0 .5rem}
header{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:baseline}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin-left:auto}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:1rem 0 0}
form input::placeholder{color:var(--dim);opacity:1}
form input{flex:1 1 10rem;max-width:32rem;min-width:0;font:inherit;padding:.35rem .6rem;color:var(--ink);background:var(--card);
border:1px solid var(--dim);border-radius:.4rem}
form button{font:inherit;padding:.35rem .8rem;color:var(--ink);background:var(--card);border:1px solid var(--dim);border-radius:.4rem;cursor:pointer}
#connection{margin:0;position:sticky;top:.4rem;z-index:1;border-radius:.4rem;padding:.05rem .6rem;border:1px solid var(--line);
background:var(--card);color:var(--dim)}
#connection:empty{display:none}
#connection.live{color:var(--ok);background:var(--ok-bg);border-color:transparent}
#connection.lost{flex-basis:100%;color:var(--bad);background:var(--bad-bg);border-color:var(--bad-line);font-weight:600;padding:.4rem .6rem}
#summary,.problems>li,.service{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--line);border-radius:.5rem}
#summary{margin-top:1rem;padding:.8rem 1rem}
#summary h2{font-size:1.35rem;line-height:1.25;margin:0 0 .6rem}
.fine{border-left-color:var(--ok)!important}
.warning{border-left-color:var(--warn-line)!important}
.critical{border-left-color:var(--bad-line)!important}
.trouble{color:var(--bad-ink);font-weight:600;margin:.4rem 0}
.tiles{display:flex;flex-wrap:wrap;gap:.35rem .9rem;align-items:center;margin:.2rem 0;color:var(--dim)}
.tiles span{min-width:4.5rem}
.tiles a{color:var(--ink);text-decoration:none;font-weight:600;font-variant-numeric:tabular-nums;padding:.1rem;border-radius:.3rem}
.tiles a:hover{text-decoration:underline}
.problems{list-style:none;padding:0;margin:0;display:grid;gap:.5rem}
.problems>li{padding:.5rem .9rem}
.problems ul{margin:.3rem 0 0;padding-left:1.2rem}
.state{display:inline-flex;align-items:center;gap:.3em;padding:0 .55em;border-radius:1em;font-weight:600;font-size:.93em;line-height:1.5;
white-space:nowrap;border:1px solid transparent}
.sign{width:1em;height:1em;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round;flex:none;vertical-align:-.12em}
.ok,.up{color:var(--ok)}
.degraded,.spof,.backup{color:var(--warn)}
.sign.down,.sign.sorry{color:var(--bad-ink)}
.state .sign{color:inherit}
.drain,.maintenance{color:var(--info)}
.state,.sign.unknown,.sign.unchecked,.sign.absent{color:var(--none)}
.state{background:var(--none-bg)}
.state.ok,.state.up{color:var(--ok);background:var(--ok-bg)}
.state.degraded,.state.spof,.state.backup{color:var(--warn);background:var(--warn-bg)}
.state.down,.state.sorry,.state.arp{color:var(--bad);background:var(--bad-bg)}
.state.drain,.state.maintenance{color:var(--info);background:var(--info-bg)}
.drawings{position:absolute}
.service{margin:.4rem 0}
.service:target{outline:2px solid var(--link)}
summary{display:flex;flex-wrap:wrap;gap:.15rem 1rem;align-items:center;padding:.4rem .8rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::before{content:"";width:.45em;height:.45em;border:solid var(--dim);border-width:0 2px 2px 0;transform:rotate(-45deg)}
[open]>summary::before{transform:rotate(45deg)}
summary>span:first-child{min-width:6.2rem}
.name>b{margin-right:.3em}
.details{color:var(--dim)}
.usable{margin-left:auto}
.signs{display:inline-flex;flex-wrap:wrap;gap:.15em;margin-right:.5em;vertical-align:-.12em}
.rate{min-width:9.5em;text-align:right;color:var(--dim);font-variant-numeric:tabular-nums}
table{border-collapse:collapse;table-layout:fixed;width:100%;font-size:.93em}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-top:1px solid var(--line)}
th:first-child,td:first-child{padding-left:.8rem}
th:last-child,td:last-child{padding-right:.8rem}
th:nth-child(1){width:13.5rem}
th:nth-child(3){width:5.2rem}
th:nth-child(4){width:10rem}
th:nth-child(n+5){width:4.7rem}
th:nth-child(7){width:5.6rem}
th:nth-child(8){width:8rem}
th{font-weight:400;color:var(--dim);font-size:.93em}
td small{display:block}
td .state{font-size:1em}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.absent{color:var(--dim)}
td.absent .sign{margin-right:.4em}
.share{font-variant-numeric:tabular-nums}
.share small{display:inline;margin-left:.4em;white-space:nowrap}
.bar{display:block;width:100%;height:.4rem;margin:.3rem 0 .1rem;border-radius:.2rem;background:var(--none-bg)}
.got{fill:var(--bar)}
.due{fill:var(--mark)}
.checks{display:flex;flex-wrap:wrap;gap:0 1rem;color:var(--dim);font-size:.93em;margin-top:.15rem}
.checks .sign{margin-right:.15em}
.said{color:var(--bad-ink)}
.more,.sessions{margin:.3rem .8rem .6rem;color:var(--dim)}
.changes{list-style:none;padding:0;margin:0}
.changes li{display:flex;flex-wrap:wrap;gap:0 .7rem;align-items:baseline;padding:.2rem .3rem;border-bottom:1px solid var(--line)}
.changes time{color:var(--dim);min-width:11rem;font-variant-numeric:tabular-nums}
.with-script .changes time{min-width:6.5rem}
html:not(.with-script) .scripted,.with-script .scriptless{display:none}
@media (prefers-reduced-motion:no-preference){
.flash{animation:flash 1.8s;border-radius:.4rem}
@keyframes flash{from{background-color:var(--flash)}}
.got{transition:width .4s}}
@media (forced-colors:active){.state,.bar{border:1px solid}.sign{stroke:CanvasText}.got{fill:Highlight}.due{fill:CanvasText}}
@media (max-width:60rem){
body{padding:.7rem .7rem 3rem}
nav{margin-left:0}
#summary h2{font-size:1.2rem}
.usable{margin-left:0}
.rate{min-width:0;text-align:left}
thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table,tbody{display:block}
tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr));gap:.35rem .8rem;padding:.5rem .8rem;border-top:1px solid var(--line)}
td,td:first-child,td:last-child{display:block;border:0;padding:0;text-align:left}
summary>span:first-child{min-width:0}
td::before{content:attr(data-l);display:block;color:var(--dim);font-size:.87em}
td:nth-child(-n+2),td.absent{grid-column:1/-1}
td:nth-child(-n+2)::before,td.absent::before{display:none}
.share{grid-column:span 2}
.n{text-align:left}
.changes time{min-width:0}}
)css";
}

}  // namespace lvs::status
