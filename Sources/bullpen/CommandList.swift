extension Command {
    /// Every verb, in the order of the help.
    static let all: [Command] = [
        .new, .validate, .upload, .list, .start, .stop, .restart, .pause, .unpause, .delete,
        .status, .logs, .violations, .signals, .orders, .ordersStory, .ordersInDoubt, .ordersSettle,
        .brackets,
        .bracketsCancel,
        .fills, .positions,
        .profit,
        .signal, .halt, .halts, .resume, .reconcile, .limits, .limitsSet, .limitsPeak, .accounts,
        .accountsAdd, .accountsSet, .accountsBalance,
        .feeds,
        .feedsAdd,
        .feedsSet,
        .dataList, .dataImport, .dataExport, .dataGaps, .dataVerify, .dataRetain, .dataDelete,
        .dataCollectors, .dataCollect, .dataRun, .dataUncollect, .dataDownload,
        .keysAdd, .keysList, .keysTest, .keysRotate, .keysSet, .keysRemove,
        .backtest, .labList, .labShow, .labDiff, .labRepeat, .labCancel, .compare, .report,
        .login, .logout, .tokenCreate, .tokenList, .tokenRevoke, .userAdd, .userList, .userPassword,
        .userDisable,
        .userEnable,
        .vaultInit, .vaultRekey,
        .serve, .simulate, .doctor, .shell, .runtimeInstall, .profileRecord, .backup, .restore, .configShow,
        .configCheck,
        .configDefaults,
        .audit, .auditVerify, .completion,
        .version,
    ]
}
