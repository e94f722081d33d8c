// Content as readers and editors meet it through a web server: who sees what, lists and their pages, changes
// and their conditions, feeds.  Every test works on items of its own, so that it may run against any installation.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { startStack, until, USES_SQLITE } from './harness.mjs'

let stack, token
const mine = randomBytes(4).toString('hex')
let counter = 0
const unique = name => `${name}-${mine}-${++counter}`

before(async () => {
  stack = await startStack('lighttpd', { env: { SITE_TITLE: 'A <title> & more' } })
  token = await stack.signIn()
})
after(() => stack?.stop())

const read = (target, headers = {}) => stack.request(target, { headers })
const edit = (method, target, body, headers = {}) => stack.as(token, target, { method, body, headers })

async function made (collection, item) {
  const r = await edit('POST', `/v1/${collection}`, item)
  assert.equal(r.status, 201, r.text)
  return r.json()
}

async function published (collection, item, when) {
  const { id } = await made(collection, item)
  const r = await edit('POST', `/v1/${collection}/${id}/publish`, when ? { publish_at: when } : {})
  assert.equal(r.status, 200, r.text)
  return r.json()
}

async function slugs (target, asEditor = false) {
  const r = asEditor ? await edit('GET', target) : await read(target)
  assert.equal(r.status, 200, r.text)
  return r.json().items.map(i => i.slug)
}

async function walk (target, limit, between = () => {}) {
  const all = []
  let cursor = ''
  do {
    const r = await read(`${target}&limit=${limit}${cursor && `&cursor=${cursor}`}`)
    assert.equal(r.status, 200, r.text)
    const page = r.json()
    assert.ok(page.items.length <= limit)
    assert.equal(Boolean(r.headers.link), page.next_cursor !== null, 'Link goes with next_cursor')
    all.push(...page.items)
    cursor = page.next_cursor
    await between(all.length)
  } while (cursor)
  return all
}

describe('visibility', () => {
  test('a draft is invisible to readers and visible to editors', async () => {
    const { id, slug } = await made('blog', { title: unique('draft') })
    for (const key of [id, slug]) {
      assert.equal((await read(`/v1/blog/${key}`)).status, 404)
      assert.equal((await edit('GET', `/v1/blog/${key}`)).status, 200)
    }
  })

  test('a published post is visible by id, by slug and in lists', async () => {
    const category = unique('c')
    const { id, slug } = await published('blog', { title: unique('post'), category })
    assert.equal((await read(`/v1/blog/${id}`)).text, (await read(`/v1/blog/${slug}`)).text)
    assert.deepEqual(await slugs(`/v1/blog?category=${category}`), [slug])
  })

  test('a scheduled post becomes visible at its time, with nobody doing anything', async () => {
    const category = unique('c')
    const { slug, status } = await published('blog', { title: unique('post'), category }, new Date(Date.now() + 1000).toISOString())
    assert.equal(status, 'scheduled')
    assert.equal((await read(`/v1/blog/${slug}`)).status, 404)
    assert.deepEqual(await slugs(`/v1/blog?category=${category}`), [])
    await until('it is visible', async () => (await read(`/v1/blog/${slug}`)).status === 200)
    assert.deepEqual(await slugs(`/v1/blog?category=${category}`), [slug])
    assert.equal((await read(`/v1/blog/${slug}`)).json().status, 'published')
  })

  test('an unpublished post is gone for readers', async () => {
    const { id } = await published('blog', { title: unique('post') })
    assert.equal((await edit('POST', `/v1/blog/${id}/unpublish`)).json().status, 'draft')
    assert.equal((await read(`/v1/blog/${id}`)).status, 404)
  })

  test('nobody writes without the scope', async () => {
    for (const [method, target] of [['POST', '/v1/blog'], ['PUT', '/v1/blog/x'], ['PATCH', '/v1/blog/x'], ['DELETE', '/v1/blog/x'],
      ['POST', '/v1/blog/x/publish'], ['GET', '/v1/blog/x/revisions'], ['POST', '/v1/content/import'], ['GET', '/v1/content/export'],
      ['GET', '/v1/blog?status=draft']]) {
      assert.equal((await stack.request(target, { method, body: method === 'GET' ? undefined : {} })).status, 401, `${method} ${target}`)
    }
  })

  test('readers\' replies may be kept, editors\' never', async () => {
    const { slug } = await published('blog', { title: unique('post') })
    assert.match((await read(`/v1/blog/${slug}`)).headers['cache-control'], /public/)
    assert.ok((await read(`/v1/blog/${slug}`)).headers['last-modified'])
    assert.equal((await edit('GET', `/v1/blog/${slug}`)).headers['cache-control'], 'no-store')
  })
})

describe('lists', () => {
  test('filters narrow, together too', async () => {
    const [a, b, t, u] = ['a', 'b', 't', 'u'].map(unique)
    const one = await published('blog', { title: unique('one'), category: a, tags: [t, u] })
    const two = await published('blog', { title: unique('two'), category: b, tags: [t] })
    assert.deepEqual(await slugs(`/v1/blog?category=${a}`), [one.slug])
    assert.deepEqual(await slugs(`/v1/blog?tag=${t}`), [two.slug, one.slug])
    assert.deepEqual(await slugs(`/v1/blog?category=${a}&tag=${t}`), [one.slug])
    assert.deepEqual(await slugs(`/v1/blog?category=${b}&tag=${u}`), [])
  })

  test('projects are found by technology, certifications by type', async () => {
    const [technology, type] = ['tech', 'type'].map(unique)
    const project = await published('projects', { name: unique('p'), technologies: [technology] })
    const certification = await published('certifications', { name: unique('c'), type, issuer: 'X' })
    assert.deepEqual(await slugs(`/v1/projects?tag=${technology}`), [project.slug])
    assert.deepEqual(await slugs(`/v1/certifications?type=${type}`), [certification.slug])
  })

  test('full text finds words of title, tags and body, all of them', async () => {
    const [title, body] = [1, 2].map(() => `w${randomBytes(6).toString('hex')}`)
    const { slug } = await published('blog', { title: `About ${title}`, body: `Some **${body}** here, [a link](https://example.org/nowhere${mine})` })
    assert.deepEqual(await slugs(`/v1/blog?q=${title}`), [slug])
    assert.deepEqual(await slugs(`/v1/blog?q=${body}+${title}`), [slug])
    assert.deepEqual(await slugs(`/v1/blog?q=${body}+missing${mine}`), [])
    assert.deepEqual(await slugs(`/v1/blog?q=nowhere${mine}`), [], 'addresses are no words')
  })

  test('rows have no body', async () => {
    const category = unique('c')
    await published('blog', { title: unique('post'), category, body: 'text' })
    const [row] = (await read(`/v1/blog?category=${category}`)).json().items
    assert.ok(!('body' in row))
    assert.equal(row.category, category)
  })

  test('pages neither skip nor repeat while others write', async () => {
    const category = unique('c')
    const old = []
    for (let i = 0; i < 14; i++) old.unshift((await published('blog', { title: unique(`old${i}`), category })).slug)
    const removed = old[12]
    const met = await walk(`/v1/blog?category=${category}`, 4, async n => {
      await published('blog', { title: unique('new'), category })
      if (n === 4) await edit('DELETE', `/v1/blog/${removed}`)
    })
    assert.deepEqual(met.map(i => i.slug), old.filter(s => s !== removed))
  })

  test('a cursor of one list is none of another', async () => {
    const category = unique('c')
    for (let i = 0; i < 2; i++) await published('blog', { title: unique('post'), category })
    const { next_cursor: cursor } = (await read(`/v1/blog?category=${category}&limit=1`)).json()
    assert.equal((await read(`/v1/blog?category=other&limit=1&cursor=${cursor}`)).status, 422)
    assert.equal((await read(`/v1/blog?limit=1&cursor=${cursor.slice(0, -2)}xx`)).status, 422)
  })

  test('categories count what readers see, and leave zero out', async () => {
    const category = unique('0c')
    const count = async () => {
      for (let cursor = ''; cursor !== null;) {
        const page = (await read(`/v1/blog/categories?limit=100${cursor && `&cursor=${cursor}`}`)).json()
        const found = page.items.find(i => i.name === category)
        if (found) return found.count
        cursor = page.next_cursor
      }
      return null
    }
    const first = await published('blog', { title: unique('post'), category })
    await published('blog', { title: unique('post'), category })
    await published('blog', { title: unique('later'), category }, '2999-01-01T00:00:00Z')
    await made('blog', { title: unique('draft'), category })
    assert.equal(await count(), 2)
    await edit('PATCH', `/v1/blog/${first.id}`, { category: null })
    assert.equal(await count(), 1)
    for (const slug of await slugs(`/v1/blog?category=${category}`)) await edit('DELETE', `/v1/blog/${slug}`)
    assert.equal(await count(), null)
  })

  test('an unchanged list is 304', async () => {
    const category = unique('c')
    await published('blog', { title: unique('post'), category })
    const { headers: { etag } } = await read(`/v1/blog?category=${category}`)
    assert.equal((await read(`/v1/blog?category=${category}`, { 'If-None-Match': etag })).status, 304)
    await published('blog', { title: unique('post'), category })
    assert.equal((await read(`/v1/blog?category=${category}`, { 'If-None-Match': etag })).status, 200)
  })
})

describe('changes', () => {
  test('a creation is a draft with a location', async () => {
    const r = await edit('POST', '/v1/blog', { title: unique('Töst & Post'), body: 'x', tags: ['a', 'a', 'b'] })
    assert.equal(r.status, 201)
    const post = r.json()
    assert.equal(r.headers.location, `/v1/blog/${post.id}`)
    assert.match(r.headers.etag, /^"/)
    assert.equal(post.status, 'draft')
    assert.equal(post.published_at, null)
    assert.equal(post.version, 1)
    assert.deepEqual(post.tags, ['a', 'b'])
    assert.match(post.slug, /^[a-z0-9]+(-[a-z0-9]+)*$/)
  })

  test('all errors come at once, each with its pointer', async () => {
    const r = await edit('POST', '/v1/blog', { title: '', tags: ['x', 7], cover_url: 'javascript:alert(1)', slug: 'Not A Slug', nonsense: 1, id: 'x' })
    assert.equal(r.status, 422)
    assert.equal(r.headers['content-type'], 'application/problem+json')
    assert.deepEqual(r.json().errors.map(e => e.pointer).sort(), ['/cover_url', '/id', '/nonsense', '/slug', '/tags/1', '/title'])
  })

  test('what takes nothing refuses what it is given', async () => {
    const { id } = await made('blog', { title: unique('post') })
    const r = await edit('POST', `/v1/blog/${id}/unpublish`, { nonsense: 1 })
    assert.equal(r.status, 422)
    assert.deepEqual(r.json().errors.map(e => e.pointer), ['/nonsense'])
    assert.equal((await edit('POST', `/v1/blog/${id}/unpublish`, {})).status, 200)
  })

  test('a taken slug is a conflict', async () => {
    const { slug } = await made('blog', { title: unique('post') })
    const r = await edit('POST', '/v1/blog', { title: 'x', slug })
    assert.equal(r.status, 409)
    assert.match(r.json().detail, new RegExp(slug))
  })

  test('of two at once only one gets the slug', async () => {
    const slug = unique('race')
    const all = await Promise.all(Array.from({ length: 8 }, () => edit('POST', '/v1/blog', { title: 'x', slug })))
    assert.deepEqual(all.map(r => r.status).sort(), [201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('titles that repeat at once get slugs of their own', async () => {
    const title = unique('same')
    const all = await Promise.all(Array.from({ length: 16 }, () => made('blog', { title })))
    assert.equal(new Set(all.map(p => p.slug)).size, 16)
  })

  test('a stale If-Match is 412 and the change is lost nowhere', async () => {
    const first = await edit('POST', '/v1/blog', { title: unique('post') })
    const { id } = first.json()
    const etag = first.headers.etag
    assert.equal((await edit('PATCH', `/v1/blog/${id}`, { author: 'one' }, { 'If-Match': etag })).status, 200)
    assert.equal((await edit('PATCH', `/v1/blog/${id}`, { author: 'two' }, { 'If-Match': etag })).status, 412)
    assert.equal((await edit('GET', `/v1/blog/${id}`)).json().author, 'one')
  })

  test('changes without If-Match act on the latest, and none is lost', async () => {
    const { id } = await made('blog', { title: unique('post') })
    const fields = ['excerpt', 'author', 'category']
    await Promise.all(fields.map(async f => assert.equal((await edit('PATCH', `/v1/blog/${id}`, { [f]: f })).status, 200)))
    const post = (await edit('GET', `/v1/blog/${id}`)).json()
    for (const f of fields) assert.equal(post[f], f)
    assert.equal(post.version, 4)
  })

  test('a merge patch leaves the rest and null clears', async () => {
    const { id } = await made('projects', { name: unique('p'), summary: 's', demo_url: 'https://example.org/' })
    const r = await edit('PATCH', `/v1/projects/${id}`, { summary: null }, { 'Content-Type': 'application/merge-patch+json' })
    assert.equal(r.status, 200)
    assert.equal(r.json().summary, null)
    assert.equal(r.json().demo_url, 'https://example.org/')
  })

  test('a replacement clears what it leaves out', async () => {
    const { id } = await made('projects', { name: unique('p'), summary: 's', featured: true, technologies: ['C'] })
    const project = (await edit('PUT', `/v1/projects/${id}`, { name: 'other' })).json()
    assert.equal(project.summary, null)
    assert.equal(project.featured, false)
    assert.deepEqual(project.technologies, [])
  })

  test('an edit of a published post is seen at once', async () => {
    const { slug } = await published('blog', { title: unique('post') })
    await edit('PATCH', `/v1/blog/${slug}`, { title: 'changed' })
    const post = (await read(`/v1/blog/${slug}`)).json()
    assert.equal(post.title, 'changed')
    assert.equal(post.status, 'published')
  })

  test('what it was before can be read and brought back', async () => {
    const { id } = await made('blog', { title: unique('post'), body: 'first' })
    await edit('PATCH', `/v1/blog/${id}`, { body: 'second' })
    const { items } = (await edit('GET', `/v1/blog/${id}/revisions`)).json()
    assert.deepEqual(items.map(i => i.version), [1])
    assert.equal((await edit('GET', `/v1/blog/${id}/revisions/1`)).json().body, 'first')
    const back = (await edit('POST', `/v1/blog/${id}/revisions/1/restore`)).json()
    assert.equal(back.body, 'first')
    assert.equal(back.version, 3)
    assert.equal((await edit('GET', `/v1/blog/${id}/revisions/77`)).status, 404)
  })

  test('a deletion is for good', async () => {
    const { id, slug } = await published('blog', { title: unique('post') })
    assert.equal((await edit('DELETE', `/v1/blog/${id}`)).status, 204)
    for (const key of [id, slug]) assert.equal((await edit('GET', `/v1/blog/${key}`)).status, 404)
    assert.equal((await edit('GET', `/v1/blog/${id}/revisions`)).status, 404)
  })

  test('a creation repeated with its key is one post', async () => {
    const body = { title: unique('post') }
    const headers = { 'Idempotency-Key': unique('key') }
    const [one, two] = [await edit('POST', '/v1/blog', body, headers), await edit('POST', '/v1/blog', body, headers)]
    assert.equal(two.status, 201)
    assert.equal(two.json().id, one.json().id)
    assert.equal((await edit('POST', '/v1/blog', { title: 'other' }, headers)).status, 422)
  })

  test('a certification says whether it has expired', async () => {
    const old = await published('certifications', { name: unique('old'), expires_on: '2020-01-31' })
    const fresh = await published('certifications', { name: unique('new'), expires_on: '2999-01-31' })
    assert.equal((await read(`/v1/certifications/${old.slug}`)).json().expired, true)
    assert.equal((await read(`/v1/certifications/${fresh.slug}`)).json().expired, false)
  })

  test('a body of half a megabyte is kept, a longer one refused', async () => {
    const text = (await readFile(new URL('../../SECURITY.md', import.meta.url), 'utf8')).replace(/[^\n\x20-\x7e]/g, '')
    const body = text.repeat(Math.ceil(524285 / text.length)).slice(0, 524285)
    const { id } = await made('blog', { title: unique('long'), body })
    assert.equal((await edit('GET', `/v1/blog/${id}`)).json().body, body)
    assert.equal((await edit('POST', '/v1/blog', { title: unique('long'), body: body + 'and more' })).status, 422)
  })

  test('what the store cannot hold is refused with 413 and not kept', { skip: USES_SQLITE }, async () => {
    const title = unique('noise')
    // 94 letters, each as likely as another: 6.6 bits a letter, 430 KB whatever one does.
    const body = Array.from(randomBytes(524285), byte => String.fromCharCode(33 + byte % 94)).join('')
    const reply = await edit('POST', '/v1/blog', { title, body })
    assert.equal(reply.status, 413, reply.text)
    assert.ok(!(await edit('GET', '/v1/blog?status=draft')).text.includes(title))
  })
})

describe('rendering', () => {
  test('html is added on demand, sanitised', async () => {
    const { slug } = await published('blog', { title: unique('post'), body: '# Hi\n\n<script>alert(1)</script>\n\nA <b onclick="x()">bold</b> [link](javascript:y)' })
    const plain = (await read(`/v1/blog/${slug}`)).json()
    assert.ok(!('body_html' in plain))
    for (const time of ['first', 'second']) {
      const html = (await read(`/v1/blog/${slug}?format=html`)).json().body_html
      assert.match(html, /<h1[^>]*>Hi<\/h1>/, time)
      assert.match(html, /<b>bold<\/b>/)
      assert.doesNotMatch(html, /script|onclick|alert/)
    }
  })

  test('the two representations have tags of their own', async () => {
    const { slug } = await published('blog', { title: unique('post'), body: 'x' })
    const [plain, html] = [await read(`/v1/blog/${slug}`), await read(`/v1/blog/${slug}?format=html`)]
    assert.notEqual(plain.headers.etag, html.headers.etag)
    assert.equal((await read(`/v1/blog/${slug}?format=html`, { 'If-None-Match': html.headers.etag })).status, 304)
    assert.equal((await read(`/v1/blog/${slug}?format=html`, { 'If-None-Match': plain.headers.etag })).status, 200)
  })
})

// A reader of XML that is strict about what it knows: elements nest, entities are the five, no stray '<' or '&'.
function parseXml (text) {
  const root = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const decode = s => s.replace(/&(?:(amp|lt|gt|quot|apos)|#(\d+));|[&<]/g, (m, name, code) => {
    if (name) return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name]
    assert.ok(code, `stray ${m} in ${s.slice(0, 100)}`)
    return String.fromCodePoint(Number(code))
  })
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/, 'only characters of XML')
  for (const [, tag, chars] of text.matchAll(/<([^>]*)>([^<]*)/g)) {
    if (tag.startsWith('?')) continue
    if (tag.startsWith('/')) {
      assert.equal(open.pop().name, tag.slice(1))
    } else {
      const [, name, rest] = tag.match(/^([A-Za-z:]+)(.*?)\/?$/s)
      const attributes = Object.fromEntries([...rest.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, k, v]) => [k, decode(v)]))
      const element = { name, attributes, children: [], text: '' }
      open.at(-1).children.push(element)
      if (!tag.endsWith('/')) open.push(element)
    }
    open.at(-1).text += decode(chars)
  }
  assert.equal(open.length, 1, 'every element is closed')
  return root.children[0]
}
const child = (element, name) => element.children.find(c => c.name === name)
const childText = (element, name) => child(element, name)?.text

describe('feeds', () => {
  const hostile = `]]> <b>&amp; "quotes" \uffff ${mine}`

  test('atom has the newest posts whole', async () => {
    const post = await published('blog', { title: unique('feed'), body: `*text* ${hostile}`, excerpt: hostile, author: 'A & B', category: 'c<d', tags: ['"t"'] })
    const r = await read('/feed.xml')
    assert.match(r.headers['content-type'], /^application\/atom\+xml/)
    const feed = parseXml(r.text)
    assert.equal(feed.name, 'feed')
    assert.equal(feed.attributes.xmlns, 'http://www.w3.org/2005/Atom')
    assert.equal(child(feed, 'link').attributes.href, `${stack.url}/feed.xml`)
    const entry = feed.children.find(e => childText(e, 'id') === `urn:uuid:${post.id}`)
    assert.equal(childText(entry, 'title'), post.title)
    assert.equal(childText(entry, 'published'), post.published_at)
    assert.equal(childText(child(entry, 'author'), 'name'), 'A & B')
    assert.match(childText(entry, 'content'), /<em>text<\/em>/)
    assert.deepEqual(entry.children.filter(c => c.name === 'category').map(c => c.attributes.term), ['c<d', '"t"'])
    assert.equal((await read(new URL(child(entry, 'link').attributes.href).pathname)).status, 200)
  })

  test('json feed says the same', async () => {
    const post = await published('blog', { title: unique('feed'), body: '*text*', tags: ['t'] })
    const r = await read('/feed.json')
    assert.match(r.headers['content-type'], /^application\/feed\+json/)
    const feed = r.json()
    assert.equal(feed.version, 'https://jsonfeed.org/version/1.1')
    assert.equal(feed.feed_url, `${stack.url}/feed.json`)
    const item = feed.items.find(i => i.id === `urn:uuid:${post.id}`)
    assert.equal(item.title, post.title)
    assert.equal(item.content_html, '<p><em>text</em></p>\n')
    assert.deepEqual(item.tags, ['t'])
    assert.equal(item.date_published, post.published_at)
  })

  test('a feed changes with its posts and is 304 until then', async () => {
    const { id } = await published('blog', { title: unique('feed') })
    const first = await read('/feed.xml')
    assert.equal((await read('/feed.xml', { 'If-None-Match': first.headers.etag })).status, 304)
    const title = unique('renamed')
    await edit('PATCH', `/v1/blog/${id}`, { title })
    const second = await read('/feed.xml', { 'If-None-Match': first.headers.etag })
    assert.equal(second.status, 200)
    assert.match(second.text, new RegExp(title))
    await edit('DELETE', `/v1/blog/${id}`)
    assert.doesNotMatch((await read('/feed.xml')).text, new RegExp(title))
  })

  test('the sitemap has every published item and no other', async () => {
    const seen = [['blog', await published('blog', { title: unique('s') })], ['projects', await published('projects', { name: unique('s') })],
      ['certifications', await published('certifications', { name: unique('s') })]]
    const hidden = [await made('blog', { title: unique('s') }), await published('blog', { title: unique('s') }, '2999-01-01T00:00:00Z')]
    const r = await read('/sitemap.xml')
    assert.match(r.headers['content-type'], /^application\/xml/)
    const urls = new Map(parseXml(r.text).children.map(u => [childText(u, 'loc'), childText(u, 'lastmod')]))
    for (const [collection, item] of seen) assert.equal(urls.get(`${stack.url}/v1/${collection}/${item.slug}`), item.updated_at)
    for (const { slug } of hidden) assert.ok(![...urls.keys()].some(u => u.endsWith(slug)))
  })
})
