#include "daemon/net/gzip.h"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>
#include <cstdint>
#include <optional>

namespace cobble::net {

namespace {

/// Length of the header (RFC 1952); none when it is no gzip or incomplete.
std::optional<std::size_t> header_length(std::string_view data) {
  if (data.size() < 10 || data[0] != '\x1f' || data[1] != '\x8b' || data[2] != '\x08') return std::nullopt;
  const auto flags = static_cast<unsigned char>(data[3]);
  std::size_t at = 10;
  if (flags & 4) {  // extra field
    if (data.size() < at + 2) return std::nullopt;
    at += 2u + static_cast<unsigned char>(data[at]) + 256u * static_cast<unsigned char>(data[at + 1]);
  }
  for (const unsigned text : {8u, 16u}) {  // file name, comment
    if (!(flags & text)) continue;
    const auto end = data.find('\0', at);
    if (end == std::string_view::npos) return std::nullopt;
    at = end + 1;
  }
  if (flags & 2) at += 2;  // checksum of the header
  if (at > data.size()) return std::nullopt;
  return at;
}

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xFF);
}

}  // namespace

std::expected<std::string, std::string> unpack_gzip(std::string_view packed, std::size_t limit) {
  if (packed.empty()) return std::string();
  const auto start = header_length(packed);
  if (!start) return std::unexpected("gzip: invalid header");
  packed.remove_prefix(*start);
  std::string out(limit, '\0');
  boost::beast::zlib::inflate_stream inflate;
  boost::beast::zlib::z_params params;
  params.next_in = packed.data();
  params.avail_in = packed.size();
  params.next_out = out.data();
  params.avail_out = out.size();
  boost::beast::error_code error;
  while (!error && params.avail_in > 0 && params.avail_out > 0) {
    const std::size_t before = params.avail_in + params.avail_out;
    inflate.write(params, boost::beast::zlib::Flush::sync, error);
    if (before == params.avail_in + params.avail_out) break;
  }
  out.resize(limit - params.avail_out);
  return out;
}

std::string pack_gzip(std::string_view data) {
  namespace zlib = boost::beast::zlib;
  constexpr std::size_t header = 10;
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", header);  // no name, no time, system unknown
  zlib::deflate_stream deflate;
  out.resize(header + deflate.upper_bound(data.size()));
  zlib::z_params params;
  params.next_in = data.data();
  params.avail_in = data.size();
  params.next_out = out.data() + header;
  params.avail_out = out.size() - header;
  boost::beast::error_code error;
  while (!error) {
    if (params.avail_out == 0) {
      const std::size_t size = out.size();
      out.resize(2 * size);
      params.next_out = out.data() + size;
      params.avail_out = size;
    }
    deflate.write(params, zlib::Flush::finish, error);
  }
  out.resize(out.size() - params.avail_out);
  boost::crc_32_type checksum;
  checksum.process_bytes(data.data(), data.size());
  append_little_endian(out, checksum.checksum());
  append_little_endian(out, static_cast<std::uint32_t>(data.size()));
  return out;
}

}  // namespace cobble::net
