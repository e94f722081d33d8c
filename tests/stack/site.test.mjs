// A site as people bring it: posts as Zola, Jekyll and Hugo keep them, in folders, with drafts, section pages and
// pictures between them (tests/data/site). It goes in as a tar; readers, feeds and the sitemap have what is published;
// the owner changes a post; and what is exported is the same site in another installation.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { TOP, startStack } from './harness.mjs'

const external = process.env.QUIVER_URL !== undefined
const SITE = path.join(TOP, 'tests/data/site')

// What becomes of each file. `html`: what its page shows; `never`: what it does not.
const posts = {
  'blog/opening.md': {
    slug: 'opening', title: 'We open our workshop', at: '2023-04-01', author: 'Ada Nkemelu and Jo Brandt',
    html: [/<a href="https:\/\/wheels\.example\/rules"[^>]*>a stand, tools and advice<\/a>/]
  },
  'blog/Workshop-1.2.md': {
    slug: 'workshop-1-2', title: 'Announcing workshop rules 1.2', at: '2023-09-14', author: 'The Workshop Team',
    html: [/<code class="language-console">\$ wheels/, /hands: &amp;\[Hand\]\) -&gt; Result&lt;Apron, Error&gt;/,
      /<code class="language-markdown">```\na fence in a fence\n```\n<\/code>/, /<code>rack::\{\{closure\}\}<\/code>/, /<pre><code>2: rack/]
  },
  'blog/tool-census@1.md': {
    slug: 'tool-census-2023', title: 'The first tool census', at: '2023-01-10', author: 'Jo Brandt',
    excerpt: 'Who has the nine-millimetre spanner? Census number 1', html: [/census number 1/]
  },
  'blog/tool-census@2.md': {
    slug: 'tool-census', title: 'The second tool census', at: '2024-01-10', author: 'Jo Brandt',
    excerpt: 'Who has the nine-millimetre spanner? Census number 2', html: [/census number 2/]
  },
  'blog/goals-2025.md': {
    slug: 'goals-2025', title: 'Goals update — March 2025', at: '2025-03-31', author: 'Ada Nkemelu, Jo Brandt, Łukasz Øye',
    html: [/<progress value="3" max="4"><\/progress>/, /<details>\s*<summary><span>2 detailed updates/, /<strong>@ada<\/strong>/,
      /<li>dynamos are in<\/li>/, /<th align="center">Point of contact<\/th>/, /<img src="https:\/\/wheels\.example\/lamp\.png" alt="A lamp" width="300">/],
    never: [/style=/, /onerror/, /<iframe/, /<!--/, /goal-card/]
  },
  'blog/why-chains-skip.md': {
    slug: 'why-chains-skip', title: 'Why `chain` & <sprocket> don’t match', at: '2024-06-02', author: 'Łukasz Øye',
    html: [/<del>never<\/del>/, /<a href="https:\/\/wheels\.example\/chains"/, /<a href="http:\/\/www\.wheels\.example"/,
      /<li id="user-content-fn-wear">\s*<p>Its pins wear/, /A footnote with <code>code<\/code>/, /<blockquote>\s*<p>Said the chain/, /<hr>/],
    never: [/\[\^/]
  },
  'blog/ünïcode.md': {
    slug: 'uenicode', title: '“Räder” auf der ganzen Welt — 自転車 🚲', at: '2024-11-23', author: '冉 Ran, Ángel Muñoz',
    html: [/自転車に乗ろう。 Á \(combining: Á\), ｆｕｌｌｗｉｄｔｈ, H₂O, ≥ 3 bar/u, /👨‍👩‍👧/u, /├── hub ✓/]
  },
  '_posts/2022-11-05-winter-tyres.md': {
    slug: 'winter-tyres', title: 'Winter tyres: yes or no?', at: '2022-11-05T17:30', author: 'jo', category: 'Advice',
    tags: ['tyres', 'ice', 'winter'], excerpt: 'Spikes help on ice, and nowhere else.',
    html: [/<em>ice<\/em>/, /\{% highlight c %\}/, /\{\{ site\.baseurl \}\}\/rules/], never: [/<!--/]
  },
  'content/lights/index.md': {
    slug: 'lights', title: 'Lights', at: '2024-12-21T16:00', excerpt: 'What the law wants at night.', category: 'Advice', tags: ['lights', 'law'],
    cover: 'https://wheels.example/dynamo.png', html: [/\{\{&lt; figure src=/, /Red is <strong>behind<\/strong>/], never: [/\{\{<|<figure/]
  },
  'content/notes/pump.md': {
    slug: 'pump', title: 'The pump is back', at: '2025-05-05', excerpt: 'It was in the van.', category: 'News', tags: ['pump', 'news'],
    html: [/<h2[^>]*>How<\/h2>/, /<a href="\.\.\/static\/pump\.png">a picture<\/a>/]
  },
  'content/notes/opening-hours.md': { slug: 'opening-hours', title: 'Opening hours in 2999', at: '2999-01-01T07:00', tags: ['hours'], hidden: true },
  'content/notes/key.md': { slug: 'key', title: 'Where the key is', category: 'Internal', tags: ['secret'], draft: true, hidden: true },
  '_drafts/saddles.md': { slug: 'saddles', title: 'On saddles', draft: true, hidden: true }
}
const published = Object.values(posts).filter(p => !p.hidden)
const NO_POSTS = ['blog/_index.md', 'config.toml', 'content/lights/dynamo.png', 'static/site.css']

const filesUnder = folder => fs.readdirSync(folder, { withFileTypes: true }).flatMap(e =>
  e.isDirectory() ? filesUnder(path.join(folder, e.name)).map(f => `${e.name}/${f}`) : [e.name]).sort()

describe('a site', { skip: external && 'needs an installation of its own' }, () => {
  let stack, token, result
  const edit = (method, target, options = {}) => stack.as(token, target, { method, ...options })
  const read = async target => {
    const r = await stack.request(target)
    assert.equal(r.status, 200, `${target}: ${r.text}`)
    return r
  }
  const importInto = async (there, secret, tar) => {
    const r = await there.as(secret, '/v1/content/import', { method: 'POST', body: tar, headers: { 'Content-Type': 'application/x-tar' } })
    assert.equal(r.status, 200, r.text)
    return r.json()
  }
  const linesOf = async (there, secret) => (await there.as(secret, '/v1/content/export')).text.split('\n').filter(Boolean).sort()
  const counts = ({ created, updated, unchanged, failed }) => [created, updated, unchanged, failed]

  before(async () => {
    stack = await startStack('lighttpd')
    token = await stack.signIn()
    const { stdout } = spawnSync('tar', ['-c', '-C', SITE, '.'])
    result = await importInto(stack, token, stdout)
  })
  after(() => stack?.stop())

  test('goes in whole, and what is no post is passed over', () => {
    assert.deepEqual(filesUnder(SITE), [...Object.keys(posts), ...NO_POSTS].sort(), 'this test knows every file')
    assert.deepEqual(counts(result), [Object.keys(posts).length, 0, 0, 0], JSON.stringify(result.errors))
    assert.equal(result.skipped, NO_POSTS.length)
    const slugs = Object.fromEntries(result.items.map(i => [i.file.replace(/^\.\//, ''), i.slug]))
    assert.deepEqual(slugs, Object.fromEntries(Object.entries(posts).map(([file, p]) => [file, p.slug])))
  })

  for (const [file, p] of Object.entries(posts).filter(([, p]) => !p.hidden)) {
    test(`${file} is read by anybody`, async () => {
      const post = (await read(`/v1/blog/${p.slug}?format=html`)).json()
      assert.deepEqual([post.title, post.author, post.excerpt, post.category, post.tags, post.cover_url],
        [p.title, p.author ?? null, p.excerpt ?? null, p.category ?? null, p.tags ?? [], p.cover ?? null])
      assert.ok(post.published_at.startsWith(p.at), post.published_at)
      const body = fs.readFileSync(path.join(SITE, file), 'utf8').replace(/^(---|\+\+\+)\n[^]*?\n\1\n\n?/, '')
      assert.equal(post.body, body)
      for (const wanted of p.html) assert.match(post.body_html, wanted)
      for (const unwanted of p.never ?? []) assert.doesNotMatch(post.body_html, unwanted)
    })
  }

  test('has drafts, and what is not due, for its owner alone', async () => {
    for (const p of Object.values(posts).filter(p => p.hidden)) {
      assert.equal((await stack.request(`/v1/blog/${p.slug}`)).status, 404, p.slug)
      const post = (await edit('GET', `/v1/blog/${p.slug}`)).json()
      assert.equal(post.status, p.draft ? 'draft' : 'scheduled', p.slug)
      assert.deepEqual([post.title, post.category, post.tags], [p.title, p.category ?? null, p.tags ?? []])
      if (p.at) assert.ok(post.published_at.startsWith(p.at), post.published_at)
    }
  })

  test('is listed newest first, in the list, in both feeds and in the sitemap', async () => {
    const wanted = published.toSorted((a, b) => a.at < b.at ? 1 : -1).map(p => p.slug)
    const slugOf = url => new URL(url).pathname.replace('/v1/blog/', '')
    const { items } = (await read('/v1/blog?limit=100')).json()
    assert.deepEqual(items.map(i => i.slug), wanted)
    const atom = (await read('/feed.xml')).text
    assert.deepEqual([...atom.matchAll(/<entry>[^]*?<link [^>]*href="([^"]*)"/g)].map(m => slugOf(m[1])), wanted)
    assert.ok(atom.includes('Why `chain` &amp; &lt;sprocket&gt; don’t match'))
    const feed = (await read('/feed.json')).json()
    assert.deepEqual(feed.items.map(i => slugOf(i.url)), wanted)
    const sitemap = (await read('/sitemap.xml')).text
    assert.deepEqual([...sitemap.matchAll(/<loc>([^<]*)<\/loc>/g)].map(m => slugOf(m[1])).sort(), [...wanted].sort())
  })

  test('is found by its words, its categories and its tags', async () => {
    const slugs = async query => (await read(`/v1/blog?${query}`)).json().items.map(i => i.slug)
    assert.deepEqual(await slugs('q=sprocket+pins'), ['why-chains-skip'])
    assert.deepEqual(await slugs(`q=${encodeURIComponent('Räder')}`), ['uenicode'])
    assert.deepEqual(await slugs('q=pot'), [], 'a draft is not found')
    assert.deepEqual(await slugs('category=Advice'), ['lights', 'winter-tyres'])
    assert.deepEqual(await slugs('tag=law'), ['lights'])
    assert.deepEqual((await read('/v1/blog/categories')).json().items, [{ name: 'Advice', count: 2 }, { name: 'News', count: 1 }])
  })

  test('is changed by its owner, exported, and the same in another installation', async () => {
    const { id } = (await read('/v1/blog/pump')).json()
    const changed = await edit('PATCH', `/v1/blog/${id}`, { body: { title: 'The pump is gone again', tags: ['pump', '“sigh”'] } })
    assert.equal(changed.status, 200, changed.text)
    assert.equal((await read('/v1/blog/pump')).json().title, 'The pump is gone again')
    const tar = (await edit('GET', '/v1/content/export?format=tar')).body
    const all = Object.keys(posts).length
    assert.deepEqual(counts(await importInto(stack, token, tar)), [0, 0, all, 0], 'it changes nothing at home')
    const other = await startStack('lighttpd')
    try {
      const secret = await other.signIn()
      assert.deepEqual(counts(await importInto(other, secret, tar)), [all, 0, 0, 0])
      const without = line => ({ ...JSON.parse(line), version: undefined })
      assert.deepEqual((await linesOf(other, secret)).map(without), (await linesOf(stack, token)).map(without))
      for (const { slug } of published) {
        const page = `/v1/blog/${slug}?format=html`
        assert.equal((await other.request(page)).json().body_html, (await read(page)).json().body_html, slug)
      }
    } finally {
      await other.stop()
    }
  })
})
