/// The page of `calor report`. Double braces escape what they show.
enum ReportTemplate {
    static let style = """
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c1c1e;background:#fff}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;width:100%}
        td,th{padding:.3rem .6rem;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}td.n,th.n{text-align:right}
        .facts{display:flex;flex-wrap:wrap;gap:1.5rem}.facts b{display:block;font-size:1.4rem}.bad{color:#b3261e}
        .bar{display:flex;height:.7rem;min-width:12rem}.bar i{background:#b8501e}.bar em{background:#e9c3ad}
        .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1.2rem}
        .charts small,figcaption{color:#555}figure{margin:0}figure img{max-width:100%;image-rendering:auto;border:1px solid #ccc}
        .panes{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:1rem;margin-bottom:1.5rem}
        code{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#1c1c1e}
        td,th{border-color:#444}.charts small,figcaption{color:#aaa}.bad{color:#ff8a80}}
        """

    static let page = """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
        <title>{{title}}</title><style>\(style)</style></head><body>
        <h1>{{title}}</h1>
        <div class="facts">{{#facts}}<div{{#bad}} class="bad"{{/bad}}><b>{{value}}</b>{{name}}</div>{{/facts}}</div>
        {{#hasFailures}}<h2>Failures</h2>
        <table><tr><th>input</th><th>stage</th><th>error</th><th>what happened</th></tr>
        {{#failures}}<tr><td><code>{{input}}</code></td><td>{{stage}}</td><td>{{error}}</td><td>{{message}}</td></tr>
        {{/failures}}</table><p>{{moreFailures}}</p>{{/hasFailures}}
        {{#hasPictures}}<h2>Before and after</h2>
        {{#pictures}}<h3><code>{{input}}</code></h3><div class="panes">
        {{#panes}}<figure>{{#isThere}}<img alt="{{kind}}: {{path}}" src="{{address}}">{{/isThere}}{{#isMissing}}<p>not found</p>{{/isMissing}}
        <figcaption>{{kind}}: <code>{{path}}</code> {{size}}</figcaption></figure>
        {{/panes}}</div>{{/pictures}}{{/hasPictures}}
        {{#hasStages}}<h2>Time per stage</h2>
        <table><tr><th>stage</th><th>use</th><th class="n">images</th><th class="n">median</th><th class="n">90 %</th><th class="n">99 %</th>
        <th class="n">of all time</th><th>median, and up to 99 %</th></tr>
        {{#stages}}<tr><td>{{id}}</td><td>{{use}}</td><td class="n">{{count}}</td><td class="n">{{p50}}</td><td class="n">{{p90}}</td>
        <td class="n">{{p99}}</td><td class="n">{{share}}</td>
        <td><div class="bar"><i style="width:{{bar}}%"></i><em style="width:{{thin}}%"></em></div></td></tr>
        {{/stages}}</table>{{/hasStages}}
        {{#hasDistributions}}<h2>Distributions</h2><div class="charts">
        {{#distributions}}<figure><figcaption>{{name}}</figcaption>
        <svg viewBox="0 0 240 61" width="100%" height="76" preserveAspectRatio="none" role="img"><title>{{name}}</title>
        {{#bars}}<rect x="{{x}}" y="{{y}}" width="9" height="{{height}}" fill="#b8501e"><title>{{count}}</title></rect>{{/bars}}
        </svg><small>{{least}} to {{greatest}}, median {{median}}, mean {{mean}}, {{count}} values</small></figure>
        {{/distributions}}</div>{{/hasDistributions}}
        {{#hasNotes}}<h2>Notes</h2><table>
        {{#notes}}<tr><td><code>{{input}}</code></td><td>{{text}}</td></tr>{{/notes}}</table>{{/hasNotes}}
        </body></html>

        """
}
