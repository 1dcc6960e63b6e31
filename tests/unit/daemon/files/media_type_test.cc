#include "daemon/files/media_type.h"

#include <catch2/catch.hpp>
#include <string>

using cobble::files::parse_media_type;

TEST_CASE("media type: names in any case, blanks, tokens and quoted strings") {
  const auto media = parse_media_type("Multipart/Form-Data;charset=utf-8 ;  BOUNDARY=abc'()x ");
  CHECK_FALSE(media);
  const auto quoted = parse_media_type("Multipart/Form-Data;charset=utf-8 ;  BOUNDARY = \"a b'()+_,-./:=?\" ;");
  REQUIRE(quoted);
  CHECK(quoted->type == "multipart/form-data");
  CHECK(quoted->parameter("charset") == "utf-8");
  CHECK(quoted->parameter("boundary") == "a b'()+_,-./:=?");
  CHECK(quoted->parameter("absent").empty());
}

TEST_CASE("media type: a backslash escapes specials only") {
  const auto name = [](const std::string& written) {
    const auto media = parse_media_type("form-data; filename=\"" + written + "\"");
    return media ? std::string(media->parameter("filename")) : "none";
  };
  CHECK(name("quo\\\"te") == "quo\"te");
  CHECK(name("back\\slash") == "back\\slash");
  CHECK(name("back\\\\slash") == "back\\slash");
  CHECK(name("a\\,b\\=c\\[") == "a,b=c[");
  CHECK(name("per%0Acent") == "per%0Acent");
  CHECK(name("\xc3\xa4\xff\t") == "\xc3\xa4\xff\t");
  CHECK(name("open\\") == "none");
}

TEST_CASE("media type: the extended form is decoded") {
  const auto media = parse_media_type("form-data; name=files; filename*=UTF-8'en'%2Fa%20%C3%BC");
  REQUIRE(media);
  CHECK(media->parameter("filename") == "/a \xc3\xbc");
  const auto other = parse_media_type("form-data; filename*=KOI8-R''x");
  REQUIRE(other);
  CHECK(other->parameter("filename").empty());
}

TEST_CASE("media type: what isn't understood is none") {
  for (const char* text : {"", ";", "form-data; name", "form-data; name=", "form-data; =x", "form-data name=x",
                           "form-data; name=re/quest", "form-data; name=\"open", "a/", "/b", "a; n=1; n=1", "a b"}) {
    INFO(text);
    CHECK_FALSE(parse_media_type(text));
  }
}
