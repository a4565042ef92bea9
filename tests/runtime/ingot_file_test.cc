#include "runtime/ingot_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/choice.h"
#include "runtime/executor.h"
#include "runtime/host/host_device.h"
#include "runtime/metadata.h"
#include "tests/runtime/testing.h"

namespace ingot::runtime {
namespace {

std::string TemporaryPath(const std::string& name) { return testing::TempDir() + "/" + name; }

void WriteBytes(const std::string& path, absl::Span<const uint8_t> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
}

// Every kind of command, argument and attribute.
Program EverythingProgram() {
  Program program = AddProgram(8);
  program.modules[0].features = {"sse2", "fma"};
  program.inputs[0].shape.set_layout(Layout::Default(1));
  program.inputs.push_back({"n", Shape::Scalar(ElementType::kS32), 50});
  program.outputs.push_back({"m", Shape::Scalar(ElementType::kS32), 2});
  program.arena_size = 4096;
  const auto add = [&](const char* label, Operation operation) {
    Command command;
    command.label = label;
    command.operation = std::move(operation);
    program.commands.push_back(std::move(command));
  };
  add("copy.1", Copy{InputSlice(program, 0), ArenaSlice(512, 32)});
  add("fill.1", Fill{ArenaSlice(0, 64), 0xffff, 2});
  While loop;
  loop.predicate = ArenaSlice(0, 1);
  loop.condition = {
      MakeLaunch("less", 1, {Read(InputSlice(program, 2)), Scalar(3, 4), Write(loop.predicate)})};
  Conditional conditional;
  conditional.index = ArenaSlice(0, 1);
  conditional.branches = {{}, program.commands};
  add("if.1", conditional);
  loop.body = program.commands;
  add("while.1", loop);
  conditional.selector = Selector::kIndex;
  conditional.index = ArenaSlice(4, 4);
  conditional.branches.resize(1);
  add("switch.1", conditional);
  LibraryCall call;
  DotCall dot;
  dot.m = 2, dot.n = 3, dot.k = 4;
  dot.lhs_strides = {8, 4, 1}, dot.rhs_strides = {12, 3, 1}, dot.output_strides = {6, 3, 1};
  dot.lhs_type = dot.rhs_type = ElementType::kBF16;
  call.operation = dot;
  call.inputs = {ArenaSlice(0, 256), ArenaSlice(256, 256)};
  call.output = ArenaSlice(512, 256);
  call.fallback = {program.commands[0]};
  add("dot.1", call);
  ConvolutionCall conv;
  conv.batch = 2, conv.groups = 1, conv.input_channels = 2, conv.output_channels = 3;
  conv.input_spatial = {4}, conv.filter_spatial = {3}, conv.output_spatial = {4};
  conv.input_strides = {8, 1, 2}, conv.filter_strides = {6, 3, 1}, conv.output_strides = {12, 1, 3};
  conv.window_strides = {1}, conv.window_dilation = {1};
  conv.padding_low = {1}, conv.padding_high = {1};
  call.operation = conv;
  add("convolution.1", call);
  return program;
}

Program CudaProgram() {
  Program program;
  program.name = "gpu";
  program.platform = "cuda";
  program.driver_version = 12040;
  program.options = "fusion=loop numerics=strict";
  CodeModule module;
  module.name = "kernels";
  module.architecture = "sm_90a";
  module.format = CodeFormat::kPtx;
  module.bytes = SharedBytes::Own({'/', '/'});
  program.modules = {module};
  program.inputs = {{"x", F32({64, 64})}};
  program.outputs = {{"y", F32({64, 64})}};
  TensorMapArgument map;
  map.slice = InputSlice(program, 0);
  map.map.dimensions = {64, 64};
  map.map.byte_strides = {256};
  map.map.box = {32, 64};
  map.map.element_strides = {1, 1};
  map.map.swizzle_bytes = 128;
  map.map.l2_promotion_bytes = 256;
  map.map.rounds_to_tf32 = map.map.fills_nan = true;
  TensorMapArgument pixels = map;
  pixels.map = {};
  pixels.map.dimensions = {16, 7, 5, 4};
  pixels.map.byte_strides = {64, 448, 2240};
  pixels.map.box = {8, 96};
  pixels.map.lower_corner = {-1, -2};
  pixels.map.upper_corner = {0, -3};
  program.commands = {
      MakeLaunch("k", 1, {map, pixels, Write(OutputSlice(program, 0)), Scalar(7, 4)})};
  auto& launch = std::get<Launch>(program.commands[0].operation);
  launch.grid = {8, 2, 1};
  launch.block = {128, 1, 1};
  launch.cluster = {2, 1, 1};
  launch.dynamic_shared_bytes = 65536;
  launch.cooperative = launch.programmatic = launch.resident = true;
  return program;
}

// Both as text and as metadata, which holds every field.
void ExpectSame(const Program& a, const Program& b) {
  EXPECT_EQ(ToString(a), ToString(b));
  SectionNumbers numbers;
  numbers.modules.resize(a.modules.size());
  numbers.ptx.resize(a.modules.size());
  numbers.constants.resize(a.constants.size());
  EXPECT_EQ(WriteMetadata(a, numbers), WriteMetadata(b, numbers));
  ASSERT_EQ(a.constants.size(), b.constants.size());
  for (size_t i = 0; i < a.constants.size(); ++i) {
    EXPECT_EQ(a.constants[i].bytes.span(), b.constants[i].bytes.span());
  }
  ASSERT_EQ(a.modules.size(), b.modules.size());
  for (size_t i = 0; i < a.modules.size(); ++i) {
    EXPECT_EQ(a.modules[i].bytes.span(), b.modules[i].bytes.span());
    EXPECT_EQ(a.modules[i].ptx.span(), b.modules[i].ptx.span());
  }
}

Program CubinProgram() {
  Program program = CudaProgram();
  program.modules[0].architecture = "sm_80";
  program.modules[0].format = CodeFormat::kCubin;
  program.modules[0].ptx = SharedBytes::Own({'/', '/', '2'});
  return program;
}

TEST(IngotFileTest, RoundTrip) {
  for (const Program& program : {AddProgram(8), AddProgram(1 << 19), LoopProgram(1, 2),
                                 EverythingProgram(), CudaProgram(), CubinProgram()}) {
    auto file = SerializeIngot(program);
    ASSERT_TRUE(file.ok()) << file.status();
    auto back = ParseIngot(*file);
    ASSERT_TRUE(back.ok()) << back.status();
    ExpectSame(program, *back);
  }
}

TEST(IngotFileTest, SeveralProgramsShareTheirConstants) {
  const int64_t n = 1 << 19;
  std::vector<Program> programs(3, AddProgram(n));
  programs[1].modules[0].architecture = "x86_64-v2";
  // Equal bytes elsewhere in memory; and a constant of its own, which one program has twice.
  programs[1].constants = AddProgram(n).constants;
  const Constant own = {"own", SharedBytes::Own(std::vector<uint8_t>(64, 7))};
  programs[2].constants.push_back(own);
  programs[2].constants.push_back(own);
  const auto one = SerializeIngot(programs[0]);
  const auto file = SerializePrograms({&programs[0], &programs[1], &programs[2]});
  ASSERT_TRUE(one.ok() && file.ok()) << file.status();
  EXPECT_LT(file->size(), one->size() + 4 * n / 10);
  for (bool verify : {false, true}) {
    const auto back = ParsePrograms(*file, {.verify = verify});
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(back->size(), programs.size());
    for (size_t i = 0; i < programs.size(); ++i) ExpectSame(programs[i], (*back)[i]);
    EXPECT_EQ((*back)[0].constants[0].bytes.data(), (*back)[2].constants[0].bytes.data());
  }
  EXPECT_EQ(ParseIngot(*file).status().message(), "a file of 3 programs");
}

TEST(IngotFileTest, ProgramsOfAFileAreOfOneModel) {
  const Program program = AddProgram(8);
  const auto refused = [&](const std::function<void(Program&)>& change) {
    Program other = program;
    change(other);
    return std::string(SerializePrograms({&program, &other}).status().message());
  };
  EXPECT_EQ(refused([](Program&) {}), "");
  const std::string differ = "programs 0 and 1 differ in inputs or outputs";
  EXPECT_EQ(refused([](Program& p) { p.inputs[0].name = "c"; }), differ);
  EXPECT_EQ(refused([](Program& p) { p.outputs[0].aliased_input = 1; }), differ);
  EXPECT_EQ(refused([](Program& p) { p.inputs[0].shape.set_layout(Layout::Default(1)); }), differ);
  EXPECT_EQ(refused([](Program& p) { p.inputs.push_back({"c", F32({8})}); }), differ);
  EXPECT_EQ(SerializePrograms({}).status().message(), "a file of 0 programs, not of 1 to 64");
  const std::vector<const Program*> many(65, &program);
  EXPECT_EQ(SerializePrograms(many).status().message(), "a file of 65 programs, not of 1 to 64");
  // PTX beside something else than machine code for a card.
  Program ptx = CudaProgram();
  ptx.modules[0].ptx = ptx.modules[0].bytes;
  EXPECT_EQ(SerializeIngot(ptx).status().message(), "module 0: PTX beside ptx code");
}

// What a writer of ours does not make: code that two programs share, metadata that is cut off.
TEST(IngotFileTest, SharedCodeIsRefused) {
  const Program program = AddProgram(8);
  const auto file = SerializePrograms({&program, &program});
  ASSERT_TRUE(file.ok());
  const auto container = ReadContainer(*file);
  ASSERT_TRUE(container.ok());
  std::vector<SectionSource> sections;
  for (const Section& section : container->sections) {
    sections.push_back({static_cast<SectionKind>(section.kind), section.compressed, section.bytes,
                        section.raw_size});
  }
  const auto parse = [&] {
    std::vector<uint8_t> bytes;
    EXPECT_TRUE(WriteContainer(sections, nullptr, [&](absl::Span<const uint8_t> piece) {
                  bytes.insert(bytes.end(), piece.begin(), piece.end());
                  return absl::OkStatus();
                }).ok());
    return ParsePrograms(bytes).status();
  };
  EXPECT_TRUE(parse().ok()) << parse();
  // Sections are: metadata, code and constant of the first; metadata and code of the second.
  ASSERT_EQ(sections.size(), 5u);
  const SectionSource second = sections[3];
  sections[3].bytes = sections[0].bytes;
  sections[3].raw_size = sections[0].raw_size;
  EXPECT_EQ(parse().message(), "two modules or constants share a section");
  sections[3] = second;
  sections[3].bytes.remove_suffix(8);
  sections[3].raw_size -= 8;
  EXPECT_FALSE(parse().ok());
}

TEST(ChoiceTest, TheBestThatRunsHere) {
  const auto device = CreateHostDevice();
  ASSERT_TRUE(device.ok());
  const auto program = [](const char* architecture) {
    Program result = AddProgram(8);
    result.modules[0].architecture = architecture;
    return result;
  };
  Program card = CudaProgram();
  const Program here = program((*device)->properties().architecture.c_str());
  EXPECT_EQ(*ChooseProgram({card, program("x86_64-v1"), here, here}, **device), 2u);
  EXPECT_EQ(*ChooseProgram({here, program("x86_64-v1"), card}, **device), 0u);
  EXPECT_EQ(*ChooseProgram({here, program("host")}, **device), 1u);
  const absl::Status none = ChooseProgram({card, program("sparc")}, **device).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(none));
  for (const char* word : {"sm_90a: program 'gpu' is for cuda", "sparc: the code is for 'sparc'"}) {
    EXPECT_NE(std::string(none.message()).find(word), std::string::npos) << none;
  }
}

TEST(IngotFileTest, FileOnDisk) {
  const std::string path = TemporaryPath("add.ingot");
  const int64_t n = 1 << 19;  // constants of two megabytes: mapped
  ASSERT_TRUE(SaveIngot(AddProgram(n), path).ok());
  for (bool verify : {false, true}) {
    auto program = LoadIngot(path, {.verify = verify});
    ASSERT_TRUE(program.ok()) << program.status();
    const auto address = reinterpret_cast<uintptr_t>(program->constants[0].bytes.data());
    EXPECT_EQ(address % (verify ? kParameterAlignment : kConstantAlignment), 0u);
    auto device = CreateHostDevice();
    ASSERT_TRUE(device.ok());
    auto executor = Executor::Create(std::make_shared<Program>(*program), device->get());
    ASSERT_TRUE(executor.ok()) << executor.status();
    const std::vector<float> ones(n, 1);
    auto a = Buffer::FromHost(device->get(), F32({n}), ones.data());
    auto outputs = (*executor)->Run({a->view(), a->view()});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_EQ(static_cast<const float*>((*outputs)[0].data())[n - 1], static_cast<float>(n + 1));
  }
}

TEST(IngotFileTest, EveryTruncationIsRefused) {
  auto file = SerializeIngot(AddProgram(8));
  ASSERT_TRUE(file.ok());
  for (size_t size = 0; size < file->size(); ++size) {
    auto program = ParseIngot(absl::MakeConstSpan(file->data(), size));
    ASSERT_FALSE(program.ok()) << size;
    ASSERT_EQ(program.status().message().find('\n'), absl::string_view::npos);
  }
  file->push_back(0);
  EXPECT_EQ(ParseIngot(*file).status().message(),
            absl::StrCat("the file has 1 bytes too many after its ", file->size() - 1));
}

TEST(IngotFileTest, EveryFlippedBitIsRefused) {
  auto file = SerializeIngot(AddProgram(8));
  ASSERT_TRUE(file.ok());
  for (size_t bit = 0; bit < 8 * file->size(); ++bit) {
    (*file)[bit / 8] ^= 1 << (bit % 8);
    const absl::Status status = ParseIngot(*file).status();
    ASSERT_FALSE(status.ok()) << "bit " << bit;
    ASSERT_EQ(status.message().find('\n'), absl::string_view::npos);
    (*file)[bit / 8] ^= 1 << (bit % 8);
  }
  EXPECT_TRUE(ParseIngot(*file).ok());
}

// Large constants are not hashed unless asked.
TEST(IngotFileTest, VerifyFindsDamagedWeights) {
  const std::string path = TemporaryPath("weights.ingot");
  auto file = SerializeIngot(AddProgram(1 << 19));
  ASSERT_TRUE(file.ok());
  (*file)[file->size() - 1000] ^= 4;
  WriteBytes(path, *file);
  EXPECT_TRUE(LoadIngot(path).ok());
  const std::string message(LoadIngot(path, {.verify = true}).status().message());
  EXPECT_EQ(message, absl::StrCat(path, ": constant 'weights': the file is damaged: the section's ",
                                  4 << 19, " bytes do not match their hash"));
}

// Metadata with a right hash and a flipped bit: what a hostile writer can make.
TEST(IngotFileTest, MetadataSurvivesDamage) {
  const Program program = EverythingProgram();
  SectionNumbers numbers;
  numbers.modules = {1};
  numbers.ptx = {0};
  numbers.constants = {2};
  const std::vector<uint8_t> metadata = WriteMetadata(program, numbers);
  int parsed = 0;
  for (size_t bit = 0; bit < 8 * metadata.size(); ++bit) {
    std::vector<uint8_t> damaged = metadata;
    damaged[bit / 8] ^= 1 << (bit % 8);
    SectionNumbers sections;
    auto back = ReadMetadata(damaged, sections);
    if (!back.ok()) continue;
    for (Constant& constant : back->constants) {
      constant.bytes = SharedBytes::Own(std::vector<uint8_t>(32));
    }
    parsed += Validate(*back).ok();
  }
  EXPECT_GT(parsed, 0);  // a letter of a label
  for (size_t size = 0; size < metadata.size(); ++size) {
    SectionNumbers sections;
    const std::vector<uint8_t> cut(metadata.begin(), metadata.begin() + size);
    ReadMetadata(cut, sections).status().IgnoreError();
  }
}

TEST(IngotFileTest, Versions) {
  auto file = SerializeIngot(AddProgram(8));
  ASSERT_TRUE(file.ok());
  std::vector<uint8_t> newer = *file;
  newer[8] = 2;
  EXPECT_EQ(ParseIngot(newer).status().message(),
            "the file's format is version 2.1; this runtime reads version 1");
  EXPECT_EQ(ParseIngot(std::vector<uint8_t>{'H', 'l', 'o'}).status().message(),
            "not an ingot file");
}

// A file of a later minor version: another number, a section of a kind that is not known.
TEST(IngotFileTest, NewerMinorVersionIsRead) {
  auto file = SerializeIngot(AddProgram(8));
  ASSERT_TRUE(file.ok());
  auto container = ReadContainer(*file);
  ASSERT_TRUE(container.ok());
  std::vector<SectionSource> sections;
  for (const Section& section : container->sections) {
    sections.push_back({static_cast<SectionKind>(section.kind), section.compressed, section.bytes,
                        section.raw_size});
  }
  const std::vector<uint8_t> extra = {1, 2, 3};
  sections.push_back({static_cast<SectionKind>(99), false, extra, 3});
  std::vector<uint8_t> later;
  ASSERT_TRUE(WriteContainer(sections, nullptr, [&](absl::Span<const uint8_t> bytes) {
                later.insert(later.end(), bytes.begin(), bytes.end());
                return absl::OkStatus();
              }).ok());
  later[10] = 7;  // the minor version; then the hash over it
  std::vector<uint8_t> hashed(later.begin(), later.begin() + 32);
  hashed.insert(hashed.end(), later.begin() + 64, later.begin() + 64 + 64 * sections.size());
  const Hash hash = HashOf(hashed);
  std::copy(hash.begin(), hash.end(), later.begin() + 32);
  auto program = ParseIngot(later);
  EXPECT_TRUE(program.ok()) << program.status();
}

TEST(IngotFileTest, Signatures) {
  const std::string path = TemporaryPath("signed.ingot"), key_path = TemporaryPath("key");
  unlink(key_path.c_str());
  unlink((key_path + ".pub").c_str());
  auto keys = MakeKeyPair(), others = MakeKeyPair();
  ASSERT_TRUE(keys.ok() && others.ok());
  ASSERT_TRUE(WriteKeyPair(*keys, key_path).ok());
  EXPECT_FALSE(WriteKeyPair(*keys, key_path).ok());  // exists
  auto secret = ReadSecretKey(key_path);
  auto known = ReadPublicKey(key_path + ".pub");
  ASSERT_TRUE(secret.ok() && known.ok()) << secret.status() << known.status();
  EXPECT_FALSE(ReadPublicKey(key_path).ok());

  const int64_t n = 1 << 19;
  ASSERT_TRUE(SaveIngot(AddProgram(n), path).ok());
  EXPECT_EQ(VerifySignature(path, *known).message(), path + ": the file is not signed");
  ASSERT_TRUE(SignIngot(path, *secret).ok());
  EXPECT_TRUE(VerifySignature(path, *known).ok()) << VerifySignature(path, *known);
  ASSERT_TRUE(SignIngot(path, *secret).ok());  // again: replaces the first
  EXPECT_TRUE(VerifySignature(path, *known).ok());
  EXPECT_EQ(VerifySignature(path, others->public_key).message(),
            path + ": the file is signed with another key");
  auto program = LoadIngot(path);
  ASSERT_TRUE(program.ok()) << program.status();
  ExpectSame(AddProgram(n), *program);

  // Damage to weights is found without asking, and a signature of something else is none.
  auto file = SerializeIngot(AddProgram(n), &*secret);
  ASSERT_TRUE(file.ok());
  std::vector<uint8_t> damaged = *file;
  damaged[file->size() / 2] ^= 1;
  EXPECT_FALSE(ParseIngot(damaged).ok());
  damaged = *file;
  damaged.back() ^= 1;
  EXPECT_EQ(ParseIngot(damaged).status().message(), "the signature does not match the file");
}

TEST(IngotFileTest, NothingHalfWritten) {
  EXPECT_EQ(SaveIngot(AddProgram(8), "/nonexistent/x.ingot").code(), absl::StatusCode::kNotFound);
  const std::string path = TemporaryPath("functions.ingot");
  unlink(path.c_str());
  Program program = AddProgram(8);
  program.modules[0].format = CodeFormat::kFunctions;
  EXPECT_EQ(SaveIngot(program, path).message(), "code 'kernels' exists in this process only");
  struct stat info;
  EXPECT_NE(stat(path.c_str(), &info), 0);
  EXPECT_EQ(LoadIngot(path).status().message(), path + ": cannot open: No such file or directory");
  EXPECT_EQ(LoadIngot(testing::TempDir()).status().message(),
            testing::TempDir() + ": not a regular file");
}

TEST(IngotFileTest, WhatIsNoFileIsWrittenToAndStays) {
  const std::string path = TemporaryPath("pipe");
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] {
    std::ifstream pipe(path, std::ios::binary);
    read.assign(std::istreambuf_iterator<char>(pipe), {});
  });
  const Program program = AddProgram(8);
  EXPECT_TRUE(SaveIngot(program, path).ok());
  reader.join();
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
  unlink(path.c_str());
  const auto expected = SerializeIngot(program);
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_EQ(read, std::string(expected->begin(), expected->end()));
}

}  // namespace
}  // namespace ingot::runtime
