#include "ir/io/arrays.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ingot {
namespace {

Literal Numbers(ElementType type, std::vector<int64_t> sizes) {
  Literal literal = Literal::Zeros(Shape::Array(type, std::move(sizes))).value();
  for (int64_t i = 0; i < literal.size(); ++i) literal.SetDouble(i, static_cast<double>(i % 2));
  return literal;
}

// A .npy file with this header text and these bytes.
std::string Npy(const std::string& header, const std::string& data, int version = 1) {
  std::string npy("\x93NUMPY", 6);
  npy += static_cast<char>(version);
  npy += '\0';
  uint32_t size = header.size();
  npy.append(reinterpret_cast<const char*>(&size), version == 1 ? 2 : 4);
  return npy + header + data;
}

TEST(NpyTest, WhatIsWrittenIsRead) {
  for (ElementType type :
       {ElementType::kPred, ElementType::kS8, ElementType::kS16, ElementType::kS32,
        ElementType::kS64, ElementType::kU8, ElementType::kU16, ElementType::kU32,
        ElementType::kU64, ElementType::kF16, ElementType::kF32, ElementType::kF64,
        ElementType::kC64, ElementType::kC128}) {
    for (const std::vector<int64_t>& sizes :
         {std::vector<int64_t>{}, {3}, {2, 3}, {0, 4}, {2, 1, 3}}) {
      const Literal literal = Numbers(type, sizes);
      const std::string npy = ToNpy(literal);
      EXPECT_EQ((npy.size() - literal.bytes().size()) % 64, 0u);
      const absl::StatusOr<Literal> back = ParseNpy(npy);
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(*back, literal) << literal.shape().ToString();
    }
  }
}

TEST(NpyTest, NarrowFloatsTravelAsTheirBits) {
  const Literal literal = Numbers(ElementType::kBF16, {2});
  const Literal back = ParseNpy(ToNpy(literal)).value();
  EXPECT_EQ(back.shape().element_type(), ElementType::kU16);
  EXPECT_EQ(back.AsInteger(1), 0x3f80);
  const std::string data = std::string("\x80\x3f", 2);
  EXPECT_EQ(ParseNpy(Npy("{'descr': '|V2', 'fortran_order': False, 'shape': (1,), }", data))
                ->AsInteger(0),
            0x3f80);
}

TEST(NpyTest, FortranOrderAndLaterVersions) {
  const std::string data("\0\1\2\3\4\5", 6);
  for (int version : {1, 2, 3}) {
    const absl::StatusOr<Literal> literal =
        ParseNpy(Npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", data, version));
    ASSERT_TRUE(literal.ok()) << literal.status();
    const std::vector<int64_t> expected = {0, 2, 4, 1, 3, 5};
    for (int i = 0; i < 6; ++i) EXPECT_EQ(literal->AsInteger(i), expected[i]);
  }
}

TEST(NpyTest, SaysWhatIsWrong) {
  const auto message = [](const std::string& npy) {
    return std::string(ParseNpy(npy).status().message());
  };
  const std::string order = "'fortran_order': False, ";
  EXPECT_EQ(message("PK"), "npy: no magic");
  EXPECT_EQ(message(Npy("{'descr': '<f4', " + order + "'shape': (2,), }", "1234")),
            "npy: 4 bytes of data, f32[2] has 8");
  EXPECT_EQ(message(Npy("{'descr': '>f4', " + order + "'shape': (1,), }", "1234")),
            "npy: big-endian data ('>f4')");
  EXPECT_EQ(message(Npy("{'descr': '<U4', " + order + "'shape': (1,), }", "1234")),
            "npy: no element type for descr '<U4'");
  EXPECT_EQ(message(Npy("{'descr': '<f4', " + order + "'shape': (-1,), }", "1234")),
            "npy: dimension '-1'");
  EXPECT_EQ(message(Npy("{'descr': '<f4', 'fortran_order': False, }", "")), "npy: no shape");
  EXPECT_EQ(message(Npy("{'descr': [('a', '<f4')], 'shape': (1,), }", "")),
            "npy: structured or missing descr");
  EXPECT_FALSE(message(Npy("{'descr': '<f8', " + order +
                               "'shape': (4611686018427387904, 4611686018427387904), }",
                           ""))
                   .empty());
}

template <typename T>
void Append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Deflated(const std::string& data) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = data.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// A zip file of members, every other one deflated.
std::string Zip(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string zip, directory;
  bool deflated = false;
  for (const auto& [name, data] : members) {
    const std::string stored = deflated ? Deflated(data) : data;
    const uint32_t offset = zip.size();
    std::string common;  // version, flags, method, time, date, checksum, sizes, name and extra size
    for (uint16_t field : {20, 0, deflated ? 8 : 0, 0, 0}) Append<uint16_t>(common, field);
    Append<uint32_t>(common, crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
    Append<uint32_t>(common, stored.size());
    Append<uint32_t>(common, data.size());
    Append<uint16_t>(common, name.size());
    Append<uint16_t>(common, 0);
    Append<uint32_t>(zip, 0x04034b50);
    zip += common + name + stored;
    Append<uint32_t>(directory, 0x02014b50);
    Append<uint16_t>(directory, 20);
    directory += common;
    for (int i = 0; i < 3; ++i) Append<uint16_t>(directory, 0);
    Append<uint32_t>(directory, 0);
    Append<uint32_t>(directory, offset);
    directory += name;
    deflated = !deflated;
  }
  const uint32_t start = zip.size();
  zip += directory;
  Append<uint32_t>(zip, 0x06054b50);
  for (uint16_t field : {0, 0}) Append<uint16_t>(zip, field);
  Append<uint16_t>(zip, members.size());
  Append<uint16_t>(zip, members.size());
  Append<uint32_t>(zip, directory.size());
  Append<uint32_t>(zip, start);
  Append<uint16_t>(zip, 0);
  return zip;
}

std::string SmallNpz() {
  return Zip({{"x.npy", ToNpy(Numbers(ElementType::kF32, {2, 3}))},
              {"y.npy", ToNpy(Numbers(ElementType::kS8, {40}))}});
}

TEST(NpzTest, StoredAndDeflatedMembers) {
  const absl::StatusOr<NamedLiterals> arrays = ParseArrays(SmallNpz(), "a.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "x");
  EXPECT_EQ((*arrays)[0].second, Numbers(ElementType::kF32, {2, 3}));
  EXPECT_EQ((*arrays)[1].first, "y");
  EXPECT_EQ((*arrays)[1].second, Numbers(ElementType::kS8, {40}));
}

TEST(NpzTest, MembersThatShareBytesAreRefused) {
  // A thousand entries of the directory for one member.
  std::string zip = SmallNpz();
  const size_t start = zip.find("PK\x01\x02");
  const size_t second = zip.find("PK\x01\x02", start + 1);
  const std::string entry = zip.substr(start, second - start);
  std::string bomb = zip.substr(0, start);
  for (int i = 0; i < 1000; ++i) bomb += entry;
  Append<uint32_t>(bomb, 0x06054b50);
  Append<uint32_t>(bomb, 0);
  Append<uint16_t>(bomb, 1000);
  Append<uint16_t>(bomb, 1000);
  Append<uint32_t>(bomb, 0);
  Append<uint32_t>(bomb, start);
  Append<uint16_t>(bomb, 0);
  const absl::Status status = ParseNpz(bomb).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "more bytes than the file")) << status;
}

std::string Safetensors(const std::string& header, const std::string& data) {
  std::string bytes;
  Append<uint64_t>(bytes, header.size());
  return bytes + header + data;
}

TEST(SafetensorsTest, ReadsByName) {
  const std::string data("\0\0\x80\x3f\x80\x3f", 6);
  const absl::StatusOr<NamedLiterals> arrays = ParseArrays(
      Safetensors(
          R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
          R"("v":{"dtype":"BF16","shape":[],"data_offsets":[4,6]}})",
          data),
      "w.safetensors");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "w");
  EXPECT_EQ((*arrays)[0].second.AsDouble(0), 1);
  EXPECT_EQ((*arrays)[1].second.AsDouble(0), 1);
}

TEST(SafetensorsTest, RefusesWhatDoesNotFit) {
  for (const char* entry : {
           R"({"dtype":"F32","shape":[1],"data_offsets":[1,5]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
           R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[4611686018427387903,4],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[0.5],"data_offsets":[0,4]})",
           R"({"dtype":"F99","shape":[1],"data_offsets":[0,4]})",
           R"({"dtype":7,"shape":[1],"data_offsets":[0,4]})",
           R"({"shape":[1],"data_offsets":[0,4]})",
           R"([])",
       }) {
    EXPECT_FALSE(ParseSafetensors(Safetensors(absl::StrCat("{\"w\":", entry, "}"), "1234")).ok())
        << entry;
  }
  EXPECT_FALSE(ParseSafetensors(Safetensors("{", "")).ok());
  EXPECT_FALSE(ParseSafetensors(Safetensors(std::string(100000, '['), "")).ok());
}

// Cut anywhere, and damaged anywhere, files are read or refused: nothing else.
TEST(ArraysTest, DamagedFilesAreSafe) {
  const std::vector<std::string> files = {
      ToNpy(Numbers(ElementType::kF32, {2, 3})), SmallNpz(),
      Safetensors(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234")};
  std::mt19937 random(1);
  for (const std::string& file : files) {
    for (size_t size = 0; size < file.size(); ++size) {
      EXPECT_FALSE(ParseArrays(file.substr(0, size), "cut").ok()) << size;
    }
    int refused = 0;
    for (int trial = 0; trial < 20000; ++trial) {
      std::string damaged = file;
      for (uint32_t n = random() % 4 + 1; n > 0; --n) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
      refused += !ParseArrays(damaged, "damaged").ok();
    }
    EXPECT_GT(refused, 0);
  }
}

}  // namespace
}  // namespace ingot
