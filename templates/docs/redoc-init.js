// System fonts: nothing is fetched from elsewhere.
const fonts = 'system-ui, sans-serif';
Redoc.init('/openapi.json', {
  hideDownloadButton: false,
  nativeScrollbars: true,
  theme: { typography: { fontFamily: fonts, headings: { fontFamily: fonts } } },
}, document.getElementById('redoc'));
