import { HomeIcon, SearchIcon } from "./icons/NavigationIcons";

export default function Header({ title, onSearch }) {
  return (
    <header>
      <a href="/">
        <HomeIcon />
      </a>
      <h1>{title}</h1>
      <button onClick={onSearch}>
        <SearchIcon />
      </button>
    </header>
  );
}
