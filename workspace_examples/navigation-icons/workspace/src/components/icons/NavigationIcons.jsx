// Line icons for the navigation: 24 by 24, drawn with the colour of the text around them.

function Icon({ label, children }) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" role="img" aria-label={label}>
      {children}
    </svg>
  );
}

export function HomeIcon() {
  return (
    <Icon label="Home">
      <path d="M4 11 12 4l8 7v9H4z" />
    </Icon>
  );
}

export function SearchIcon() {
  return (
    <Icon label="Search">
      <circle cx="10" cy="10" r="6" />
      <path d="m15 15 6 6" />
    </Icon>
  );
}

export function MenuIcon() {
  return (
    <Icon label="Menu">
      <path d="M4 6h16M4 12h16M4 18h16" />
    </Icon>
  );
}
