// The folder of compiled code: what comes back, what is noticed, what goes first.
#include "compiler/cache/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/cache/version.h"

namespace ingot::cache {
namespace {

namespace fs = std::filesystem;

using Bytes = std::vector<uint8_t>;

Key KeyOf(int number) {
  Key key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(number >> (8 * (i % 4)));
  return key;
}

// Bytes that zstd cannot make less of.
Bytes Noise(int number, size_t size) {
  Bytes bytes(size);
  uint64_t state = number + 1;
  for (uint8_t& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<uint8_t>(state >> 56);
  }
  return bytes;
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(testing::TempDir(), "/store_", getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::shared_ptr<const Store> Open(int64_t limit = 1 << 20) {
    auto store = Store::Open(folder_, limit);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *store : nullptr;
  }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(folder_)) files.push_back(file.path());
    return files;
  }

  std::string folder_;
};

TEST_F(StoreTest, KeepsBytesForOthers) {
  const auto store = Open();
  EXPECT_EQ(store->Get(KeyOf(1)), std::nullopt);
  for (size_t size : {0, 1, 1000, 100000}) {
    store->Put(KeyOf(static_cast<int>(size)), Noise(1, size));
    EXPECT_EQ(Open()->Get(KeyOf(static_cast<int>(size))), Noise(1, size)) << size;
  }
  store->Put(KeyOf(1), Noise(2, 50));
  EXPECT_EQ(store->Get(KeyOf(1)), Noise(2, 50));
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
}

TEST_F(StoreTest, DamagedEntriesAreNone) {
  const auto store = Open();
  store->Put(KeyOf(1), Noise(1, 300));
  const fs::path path = Files().at(0);
  Bytes whole(fs::file_size(path));
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(whole.data()), whole.size());
  const auto write = [&](const Bytes& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= 0x10;
    write(damaged);
    ASSERT_EQ(store->Get(KeyOf(1)), std::nullopt) << "byte " << i;
    write(Bytes(whole.begin(), whole.begin() + i));
    ASSERT_EQ(store->Get(KeyOf(1)), std::nullopt) << "cut to " << i;
  }
  store->Put(KeyOf(1), Noise(1, 300));
  EXPECT_EQ(store->Get(KeyOf(1)), Noise(1, 300));
}

TEST_F(StoreTest, WhatWasNotUsedForLongestGoes) {
  constexpr size_t kBytes = 10000;
  const auto store = Open(/*limit=*/10 * kBytes + 5000);
  std::ofstream(folder_ + "/notes.txt") << "not an entry";
  const auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 10; ++i) {
    store->Put(KeyOf(i), Noise(i, kBytes));
    for (const fs::path& file : Files()) {
      if (file.extension() == ".entry" && fs::last_write_time(file) > now - std::chrono::hours(1)) {
        fs::last_write_time(file, now - std::chrono::hours(100 - i));
      }
    }
  }
  // The oldest is of use again, and so the youngest; the eleventh is one too many.
  EXPECT_EQ(store->Get(KeyOf(0)), Noise(0, kBytes));
  store->Put(KeyOf(10), Noise(10, kBytes));
  EXPECT_EQ(store->Get(KeyOf(0)), Noise(0, kBytes));
  EXPECT_EQ(store->Get(KeyOf(10)), Noise(10, kBytes));
  for (int i = 1; i < 10; ++i) EXPECT_EQ(store->Get(KeyOf(i)).has_value(), i >= 5) << i;
  EXPECT_TRUE(fs::exists(folder_ + "/notes.txt"));
  // Another process counts what is there before it adds.
  const auto other = Open(/*limit=*/3 * kBytes);
  other->Put(KeyOf(11), Noise(11, kBytes));
  int64_t bytes = 0;
  for (const fs::path& file : Files()) bytes += static_cast<int64_t>(fs::file_size(file));
  EXPECT_LE(bytes, 3 * static_cast<int64_t>(kBytes));
}

TEST_F(StoreTest, WhatIsTooLargeIsNotKept) {
  const auto store = Open(/*limit=*/10000);
  store->Put(KeyOf(1), Noise(1, 6000));
  EXPECT_EQ(store->Get(KeyOf(1)), std::nullopt);
  EXPECT_TRUE(Files().empty());
}

TEST_F(StoreTest, ManyProcessesAndThreads) {
  constexpr int kProcesses = 4, kThreads = 3, kRounds = 60, kKeys = 7;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    // So little room that entries come and go.
    const auto store = *Store::Open(folder_, 5 * 2000);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kRounds; ++i) {
          const int number = (i + thread + process) % kKeys;
          store->Put(KeyOf(number), Noise(number, 1500));
          const auto found = store->Get(KeyOf((number * 3) % kKeys));
          if (found.has_value() && *found != Noise((number * 3) % kKeys, 1500)) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    _exit(wrong == 0 ? 0 : 1);
  }
  for (pid_t child : children) {
    int state = 0;
    ASSERT_EQ(waitpid(child, &state, 0), child);
    EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << state;
  }
  // Nothing half-written is left.
  for (const fs::path& file : Files()) EXPECT_EQ(file.extension(), ".entry") << file;
}

TEST_F(StoreTest, FoldersThatCannotBeUsed) {
  EXPECT_FALSE(Store::Open("/proc/nothing/here", 1 << 20).ok());
  std::ofstream(folder_) << "a file";
  const auto store = Store::Open(folder_, 1 << 20);
  ASSERT_FALSE(store.ok());
  EXPECT_TRUE(absl::StrContains(store.status().message(), folder_)) << store.status();
}

TEST(VersionTest, IsTheBuildId) { EXPECT_EQ(CompilerVersion().size(), 40u) << CompilerVersion(); }

}  // namespace
}  // namespace ingot::cache
