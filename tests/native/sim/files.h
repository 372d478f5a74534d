/* The simulated files: sockets and directories for them, nothing else. Part of sim/system.h. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

enum { SIM_PATHS = 64 };

typedef struct sim_path {
    char name[112];
    size_t size;
    int directory;
    int foreign;           /* a raw peer's */
    uint64_t inode;        /* 0: free */
} sim_path_t;

static sim_path_t sim_paths[SIM_PATHS];
static int sim_paths_end;    /* behind the last one used in this world */
static uint64_t sim_inodes;

SIM_FN sim_path_t *sim_path_find(const char *name, size_t size) {
    for (int i = 0; i < sim_paths_end; i++)
        if (sim_paths[i].inode && sim_paths[i].size == size && memcmp(sim_paths[i].name, name, size) == 0) return &sim_paths[i];
    return NULL;
}

SIM_FN sim_path_t *sim_path_new(const char *name, size_t size, int directory) {
    for (int i = 0; i < SIM_PATHS; i++) {
        sim_path_t *p = &sim_paths[i];
        if (p->inode) continue;
        memcpy(p->name, name, size);
        p->size = size;
        p->directory = directory;
        p->foreign = world.foreign;
        p->inode = ++sim_inodes;
        if (i >= sim_paths_end) sim_paths_end = i + 1;
        return p;
    }
    return NULL;
}

SIM_FN int sim_unlink(const char *path) {
    sim_call(34);
    sim_path_t *p = sim_path_find(path, strlen(path));
    if (p == NULL || p->directory) return sim_errno(ENOENT);
    p->inode = 0;
    return 0;
}

SIM_FN int sim_rmdir(const char *path) {
    sim_call(35);
    sim_path_t *p = sim_path_find(path, strlen(path));
    if (p == NULL || !p->directory) return sim_errno(ENOENT);
    for (int i = 0; i < sim_paths_end; i++)
        if (sim_paths[i].inode && sim_paths[i].size > p->size && memcmp(sim_paths[i].name, p->name, p->size) == 0 &&
            sim_paths[i].name[p->size] == '/')
            return sim_errno(ENOTEMPTY);
    p->inode = 0;
    return 0;
}

SIM_FN int sim_lstat(const char *path, struct stat *s) {
    sim_call(36);
    sim_path_t *p = sim_path_find(path, strlen(path));
    if (p == NULL) return sim_errno(ENOENT);
    memset(s, 0, sizeof *s);
    s->st_mode = p->directory ? S_IFDIR | 0700 : S_IFSOCK | 0700;
    s->st_ino = (ino_t)p->inode;
    return 0;
}

SIM_FN char *sim_mkdtemp(char *text) {
    sim_call(37);
    size_t n = strlen(text);
    if (n < 6 || sim_refuses()) {
        errno = ENOSPC;
        return NULL;
    }
    snprintf(text + n - 6, 7, "%06u", (unsigned)(++sim_inodes % 1000000));
    return sim_path_new(text, n, 1) != NULL ? text : NULL;
}

#endif
